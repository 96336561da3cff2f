# SPDX-License-Identifier: Apache-2.0
"""Refresh the stubs of the project in this folder, or compare them.

Builds the libraries of the project and writes the stubs that belong to them into its packages. What
the build needs has to be installed: there is no isolated environment.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..base.errors import PREFIX, BuildError
from ..plugin.hooks import build_stubs
from ..plugin.placement import place_in_source_tree
from ..project.package_tree import PackageTree
from ..stubs import StubFile, cause, stale_files
from .config_settings import add_config_settings, parse_config_settings
from .exit_status import COULD_NOT_RUN, FINDINGS, FINE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; print the difference, and exit with 1 if there is any",
    )
    add_config_settings(parser)


def run(parsed: argparse.Namespace) -> int:
    """Build, and write or compare; return the exit status."""
    config_settings = parse_config_settings(parsed.config_setting)
    receiver = _Check() if parsed.check else _Refresh()
    try:
        # Standard output is for the difference.
        with contextlib.redirect_stdout(sys.stderr):
            build_stubs(receiver, config_settings)
    except Exception:  # noqa: BLE001 - a setup.py may raise anything
        traceback.print_exc()
        return COULD_NOT_RUN
    except SystemExit as ended:  # after it has said why
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        return COULD_NOT_RUN
    if not receiver.has_stubs:
        raise BuildError(
            "no library of the project in this folder has stubs",
            hint="declare one with TVMFFIExtension or in pyproject.toml, and not stubs = 'none'",
        )
    if isinstance(receiver, _Refresh):
        for stub in receiver.stale:
            print(f"{'removed' if stub.new is None else 'wrote'} {stub.source.as_posix()}")
        if not receiver.stale:
            print("stubs are up to date")
        return FINE
    for stub in receiver.stale:
        sys.stdout.write(stub.unified_diff())
    if not receiver.stale:
        return FINE
    sys.stdout.flush()
    why = cause(receiver.stale)
    names = ", ".join(stub.source.as_posix() for stub in receiver.stale)
    print(f"{PREFIX}: stubs are out of date: {names}{why and f' ({why})'}", file=sys.stderr)
    return FINDINGS


@dataclass
class _Check:
    """Finds what is out of date."""

    stale: list[StubFile] = field(default_factory=list)
    has_stubs: bool = False

    def handle(self, stubs: Sequence[StubFile], tree: PackageTree) -> None:
        """Compare stubs with the source tree."""
        del tree
        self.has_stubs = bool(stubs)
        self.stale = stale_files(stubs)


@dataclass
class _Refresh(_Check):
    """Brings it up to date."""

    def handle(self, stubs: Sequence[StubFile], tree: PackageTree) -> None:
        """Write stubs into the source tree."""
        super().handle(stubs, tree)
        place_in_source_tree((), stubs, tree)
