# SPDX-License-Identifier: Apache-2.0
"""Prints the symbols of libtvm_ffi that each release of apache-tvm-ffi added or removed.

Usage: ``python benchmarks/tvm_ffi_symbols.py FOLDER``. The folder contains the Linux wheels of all
releases (``pip download --no-deps``). Copy the result into ``audit/tvm_ffi_symbols.py``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import parse_wheel_filename

_KEPT = re.compile(r"TVMFFI\w+|_Z[A-Z]*N?K?3tvm3ffi\w+|_Z\w*N3tvm3ffi\w+")


def main() -> None:
    """Compare each release with the one before it."""
    releases = {}
    for wheel in Path(sys.argv[1]).glob("*.whl"):
        releases[parse_wheel_filename(wheel.name)[1]] = set(_symbols(wheel))
    known: set[str] = set()
    for version, symbols in sorted(releases.items()):
        for word, names in (("added", symbols - known), ("removed", known - symbols)):
            for name in sorted(names):
                print(f"{version} {word} {name}")
        if symbols == known:
            print(f"{version} has the same symbols")
        known = symbols


def _symbols(wheel: Path) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive, tempfile.NamedTemporaryFile() as library:
        (name,) = (n for n in archive.namelist() if n.endswith("/libtvm_ffi.so"))
        library.write(archive.read(name))
        library.flush()
        command = ["nm", "-D", "--defined-only", library.name]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in printed.splitlines():
        symbol = line.split()[-1].partition("@")[0]
        if _KEPT.fullmatch(symbol) and "_ZNSt" not in symbol:
            yield symbol


if __name__ == "__main__":
    main()
