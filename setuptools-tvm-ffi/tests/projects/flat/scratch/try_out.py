raise SystemExit("not part of the package")
