# SPDX-License-Identifier: Apache-2.0
"""Create a project: a small package with a library, tests and a workflow that publishes wheels.

The command never changes an existing file. If the folder already contains README.md or .gitignore,
for example, the command writes the other files. If the folder already contains pyproject.toml or
the sources, the command writes no file.

For example:

    setuptools-tvm-ffi new my-package --with-class
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..base.text import PREFIX
from ..scaffold.names import names_of
from ..scaffold.project import LANGUAGES, Options, existing_files, project_files, write_files
from .exit_status import COULD_NOT_RUN, FINE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("name", metavar="NAME", help="name on PyPI, such as my-package")
    parser.add_argument(
        "--lang",
        choices=LANGUAGES,
        default="c++",
        help="language of the example function (default: c++)",
    )
    parser.add_argument(
        "--with-class", action="store_true", help="add an example class, in C++ for every --lang"
    )
    parser.add_argument(
        "--setup-py",
        action="store_true",
        help="declare the library in setup.py instead of pyproject.toml",
    )
    parser.add_argument(
        "--path", type=Path, metavar="DIR", help="folder of the project (default: ./NAME)"
    )
    parser.add_argument(
        "--yes",
        action="store_true",
        help="write without asking, even if the folder is not empty",
    )


def run(parsed: argparse.Namespace) -> int:
    """Write the files, and print the commands to continue with; return the exit status."""
    names = names_of(parsed.name)
    folder = parsed.path or Path(names.distribution)
    files = project_files(names, Options(parsed.lang, parsed.with_class, parsed.setup_py))
    kept = existing_files(folder, files)
    files = {name: text for name, text in files.items() if name not in kept}
    if not parsed.yes and sys.stdin.isatty() and folder.is_dir() and any(folder.iterdir()):
        print(f"{folder} is not empty. Add {len(files)} files? [y/N] ", end="", flush=True)
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            return COULD_NOT_RUN
    write_files(folder, files)
    for name in sorted(files):
        print(f"wrote {folder / name}")
    for name in kept:
        print(f"kept {folder / name}, which exists already")
    steps = (f"cd {folder}", f"{PREFIX} develop", "pip install pytest", "pytest")
    print("\nTo build and test the project:", *steps, sep="\n  ")
    return FINE
