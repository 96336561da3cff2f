# SPDX-License-Identifier: Apache-2.0
"""The command ``setuptools-tvm-ffi``: what can be done with a project beside building it.

Exit status: 0 all is well, 1 there is something to mend, 2 it could not be found out.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from . import __version__
from .errors import PREFIX, BuildError, render
from .package_tree import PackageTree
from .placement import place_in_source_tree
from .stubs import StubFile, cause, stale_files

FINE, FINDINGS, COULD_NOT_RUN = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status.

    :param arguments: those of the process by default.
    """
    parser = argparse.ArgumentParser(prog=PREFIX, description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    stubs = commands.add_parser(
        "stubs",
        help="refresh the stubs of the project in this folder, or compare them",
        description="Build the libraries of the project in this folder, and write the stubs that "
        "belong to them into its packages. What the build needs has to be installed: there is no "
        "isolated environment.",
        allow_abbrev=False,
    )
    stubs.add_argument(
        "--check",
        action="store_true",
        help="write nothing; print the difference, and exit with 1 if there is any",
    )
    stubs.add_argument(
        "-C",
        "--config-setting",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a project-wide setting, as for pip and build; may be repeated",
    )
    parsed = parser.parse_args(arguments)
    # A console that cannot show a character shows its escape.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _stubs(_config_settings(parsed.config_setting), check=parsed.check)
    except BuildError as problem:
        print(render(problem), file=sys.stderr)
        return COULD_NOT_RUN


def _stubs(config_settings: Mapping[str, str | list[str] | None], *, check: bool) -> int:
    from .build_meta import build_stubs  # noqa: PLC0415 - setuptools takes its time to import

    receiver = _Check() if check else _Refresh()
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


def _config_settings(pairs: Sequence[str]) -> dict[str, str | list[str] | None]:
    result: dict[str, str | list[str] | None] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise BuildError(f"--config-setting {pair}: has no value", hint="write KEY=VALUE")
        if key in result:
            raise BuildError(f"--config-setting {key}: is given more than once")
        result[key] = value
    return result
