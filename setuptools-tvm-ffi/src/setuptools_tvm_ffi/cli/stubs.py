# SPDX-License-Identifier: Apache-2.0
"""Update or check the stubs of the project in this folder.

The command builds the libraries and writes their stubs into the packages of the project. It creates
no isolated environment: install the project's build requirements first.

For example:

    setuptools-tvm-ffi stubs --check
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..base.errors import PREFIX, BuildError
from ..plugin.hooks import build_stubs
from ..plugin.placement import place_in_source_tree
from ..project.package_tree import PackageTree
from ..settings import require_project
from ..stubs import StubFile, cause, stale_files
from .config_settings import add_config_settings, parse_config_settings
from .exit_status import COULD_NOT_RUN, FINDINGS, FINE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; print a diff, and exit with status 1 if stubs are out of date",
    )
    add_config_settings(parser)


def run(parsed: argparse.Namespace) -> int:
    """Build, then write or compare the stubs; return the exit status."""
    require_project(Path())
    config_settings = parse_config_settings(parsed.config_setting)
    receiver = _Receiver(parsed.check)
    try:
        # Print messages of the build to standard error. Standard output contains only the diff.
        with contextlib.redirect_stdout(sys.stderr):
            build_stubs(receiver, config_settings)
    except Exception:  # noqa: BLE001 - a setup.py may raise anything
        traceback.print_exc()
        return COULD_NOT_RUN
    except SystemExit as ended:
        # If `code` is a number, setuptools or the plugin has already printed the error.
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        return COULD_NOT_RUN
    if not receiver.has_stubs:
        raise BuildError(
            "no library of the project in this folder has stubs",
            hint="declare a library with TVMFFIExtension or in pyproject.toml, without "
            "stubs = 'none'",
        )
    if not parsed.check:
        for stub in receiver.stale:
            print(f"{'removed' if stub.new is None else 'wrote'} {stub.source.as_posix()}")
        if not receiver.stale:
            print("stubs are up to date")
        return FINE
    if not receiver.stale:
        print(f"{PREFIX}: stubs are up to date", file=sys.stderr)
        return FINE
    for stub in receiver.stale:
        sys.stdout.write(stub.unified_diff())
    sys.stdout.flush()
    why = cause(receiver.stale)
    names = ", ".join(stub.source.as_posix() for stub in receiver.stale)
    print(f"{PREFIX}: stubs are out of date: {names}{why and f' ({why})'}", file=sys.stderr)
    return FINDINGS


@dataclass
class _Receiver:
    """Receives the stubs. Stores the stubs that differ from the source tree in `stale`."""

    check: bool
    stale: list[StubFile] = field(default_factory=list)
    has_stubs: bool = False

    def handle(self, stubs: Sequence[StubFile], tree: PackageTree) -> None:
        """Compare the stubs with the source tree. If `check` is false, write the stubs."""
        self.has_stubs = bool(stubs)
        self.stale = stale_files(stubs)
        if not self.check:
            place_in_source_tree((), stubs, tree)
