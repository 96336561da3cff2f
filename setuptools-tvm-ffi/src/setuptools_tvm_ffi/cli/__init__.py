# SPDX-License-Identifier: Apache-2.0
"""The command ``setuptools-tvm-ffi``: create projects, update stubs, and work on wheels.

Each command is a module in this package with `add_arguments` and `run`; only the requested command
is imported. This module does not import setuptools, so that `doctor` works if setuptools is broken.
Results go to standard output, progress and errors to standard error.

Exit status: 0 success, 1 problems to fix, 2 the command failed to run.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence

from .._version import __version__
from ..base.text import PREFIX, harmless
from .exit_status import COULD_NOT_RUN

_COMMANDS = {
    "audit": "check finished wheels for problems that appear on users' machines",
    "ci": "write or update the GitHub workflow that publishes the wheels of the project",
    "clean": "remove the build folder of the project in this folder; optionally, also the cache",
    "compat": "test a wheel against released versions of apache-tvm-ffi",
    "cross": "build wheels for other platforms with Zig",
    "doctor": "show the tools that builds use here, what is missing, and how to fix it",
    "new": "create a project: a small package with a library, tests and a workflow",
    "repair": "bundle the libraries that wheels need and set their platform tags",
    "stubs": "update or check the stubs of the project in this folder",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status.

    :param arguments: default to the arguments of the process.
    """
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"{PREFIX}: interrupted", file=sys.stderr)
        return COULD_NOT_RUN
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe: discard the remaining output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_RUN
    except Exception as problem:  # noqa: BLE001 - a crash must not end with the status for findings
        # `errors` imports setuptools. If `errors` was not imported, this is no BuildError.
        errors = sys.modules.get(f"{__name__.rpartition('.')[0]}.base.errors")
        if errors is not None and isinstance(problem, errors.BuildError):
            print(errors.render(problem), file=sys.stderr)
        else:
            print_traceback()
        return COULD_NOT_RUN
    return status


def print_traceback() -> None:
    """Print the current exception's traceback, with control characters escaped."""
    for line in traceback.format_exc().splitlines():
        print(harmless(line), file=sys.stderr)


def _run(arguments: Sequence[str] | None) -> int:
    width = max(map(len, _COMMANDS))
    listing = "\n".join(f"  {name:{width}}  {text}" for name, text in _COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog=PREFIX,
        description=f"{_first_lines()}\n\ncommands:\n{listing}",
        epilog=f"'{PREFIX} COMMAND --help' lists the options of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("command", choices=_COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)

    command = importlib.import_module(f"{__name__}.{parsed.command}")
    of_command = argparse.ArgumentParser(
        prog=f"{PREFIX} {parsed.command}", description=command.__doc__, allow_abbrev=False
    )
    command.add_arguments(of_command)
    its_own = of_command.parse_args(parsed.arguments)
    # If a console cannot show a character, print an escape sequence instead.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return int(command.run(its_own))


def _first_lines() -> str:
    assert __doc__ is not None
    what, *_, status = __doc__.strip().split("\n\n")
    return f"{what.partition(': ')[2]}\n{status}"
