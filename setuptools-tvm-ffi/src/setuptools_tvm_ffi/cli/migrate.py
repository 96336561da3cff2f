# SPDX-License-Identifier: Apache-2.0
"""Propose a pyproject.toml for a project that is built with CMake and scikit-build-core.

The command reads CMakeLists.txt and pyproject.toml in this folder, and runs neither CMake nor the
project. It prints the proposed pyproject.toml. For each part that the command cannot translate, the
proposal contains a comment that names the file and the line. The command also prints this comment
to standard error.

Exit status: 0 everything is translated, 1 something is not translated, 2 the command failed to run.

For example:

    setuptools-tvm-ffi migrate > proposed.toml
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..base.errors import PREFIX, BuildError, harmless
from ..base.file_replacement import replace_file
from ..migration.proposal import propose
from ..project.git import run_git
from .exit_status import FINDINGS, FINE

_FILE = "pyproject.toml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--write",
        action="store_true",
        help="replace pyproject.toml, if its current content is committed to git",
    )


def run(parsed: argparse.Namespace) -> int:
    """Print or write the proposal, and print what is not translated; return the exit status."""
    root = Path.cwd()
    if parsed.write:
        _require_committed(root)
    text, remarks = propose(root)
    for remark in remarks:
        for line in remark.splitlines():
            print(f"{PREFIX}: {harmless(line)}", file=sys.stderr)
    if parsed.write:
        replace_file(root / _FILE, text.encode())
        print(f"wrote {_FILE}; when it builds, delete CMakeLists.txt")
    else:
        sys.stdout.write(text)
    return FINDINGS if remarks else FINE


def _require_committed(root: Path) -> None:
    tracked = run_git(root, "ls-files", "--", _FILE)
    if not tracked or run_git(root, "status", "--porcelain", "--", _FILE):
        raise BuildError(
            f"the content of {_FILE} is not committed to git, so --write would lose the content",
            hint=f"commit {_FILE}, or write the proposal to another file: "
            f"{PREFIX} migrate > proposed.toml",
        )
