# SPDX-License-Identifier: Apache-2.0
"""The command ``setuptools-tvm-ffi``: what can be done with a project beside building it.

Each command is a module here with `add_arguments` and `run`; only the one that is called is
imported. Results go to standard output, progress and errors to standard error.

Exit status: 0 all is well, 1 there is something to mend, 2 it could not be found out.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence

from .. import __version__
from ..base.errors import PREFIX, BuildError, harmless, render
from .exit_status import COULD_NOT_RUN

_COMMANDS = {
    "audit": "look at finished wheels for what would fail on a user's machine",
    "compat": "try a wheel with released versions of apache-tvm-ffi",
    "cross": "build wheels for other platforms with Zig",
    "repair": "make wheels fit to be published",
    "stubs": "refresh the stubs of the project in this folder, or compare them",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status.

    :param arguments: those of the process by default.
    """
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except BuildError as problem:
        print(render(problem), file=sys.stderr)
        return COULD_NOT_RUN
    except KeyboardInterrupt:
        print(f"{PREFIX}: interrupted", file=sys.stderr)
        return COULD_NOT_RUN
    except BrokenPipeError:
        # Whoever reads it has seen enough, as `head`. What is left over has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_RUN
    except Exception:  # noqa: BLE001 - whatever it is, nothing was found that is to be mended
        print_traceback()
        return COULD_NOT_RUN
    return status


def print_traceback() -> None:
    """Print the traceback of the exception that is handled, which may quote what others wrote."""
    for line in traceback.format_exc().splitlines():
        print(harmless(line), file=sys.stderr)


def _run(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog=PREFIX,
        description=f"{_first_lines()}\n\ncommands:\n{_listing()}",
        epilog=f"'{PREFIX} COMMAND --help' says what a command takes.",
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
    # A console that cannot show a character shows its escape.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return int(command.run(its_own))


def _first_lines() -> str:
    assert __doc__ is not None
    what, *_, status = __doc__.strip().split("\n\n")
    return f"{what.partition(': ')[2]}\n{status}"


def _listing() -> str:
    width = max(map(len, _COMMANDS))
    return "\n".join(f"  {name:{width}}  {text}" for name, text in _COMMANDS.items())
