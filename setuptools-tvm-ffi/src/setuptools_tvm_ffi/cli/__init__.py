# SPDX-License-Identifier: Apache-2.0
# PYTHON_ARGCOMPLETE_OK - argcomplete searches for this comment, see `completion.py`.
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

from .._version import REPOSITORY, __version__
from ..base.colour import painted
from ..base.text import PREFIX, harmless
from .exit_status import COULD_NOT_RUN, FINE

_COMMANDS = {
    "audit": "check finished wheels for problems that appear on users' machines",
    "build": "build a wheel; show the progress and a summary",
    "ci": "write or update the GitHub workflow that publishes the wheels of the project",
    "clean": "remove the build folder of the project in this folder; optionally, also the cache",
    "compat": "test a wheel against released versions of apache-tvm-ffi",
    "cross": "build wheels for other platforms with Zig",
    "develop": "install a project as editable, with rebuild on import and a summary",
    "doctor": "show the tools that builds use here, what is missing, and how to fix it",
    "migrate": "propose the pyproject.toml of a project that CMake builds",
    "new": "create a project: a small package with a library, tests and a workflow",
    "repair": "bundle the libraries that wheels need and set their platform tags",
    "stubs": "update or check the stubs of the project in this folder",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status.

    :param arguments: the command line. By default, these are the arguments of the process.
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
        # `base.errors` defines `BuildError`, and imports setuptools, so do not import `base.errors`
        # here. If no other module has imported `base.errors`, the exception is no `BuildError`.
        errors = sys.modules.get(f"{__name__.rpartition('.')[0]}.base.errors")
        if errors is not None and isinstance(problem, errors.BuildError):
            print_error(errors.render(problem))
        else:
            print_traceback()
        return COULD_NOT_RUN
    return status


def print_error(rendered: str) -> None:
    """Print an error to standard error, with colours on a terminal.

    :param rendered: the result of `base.errors.render`.
    """
    for line in rendered.splitlines():
        _, kind, text = line.split(": ", 2)
        colour = {"error": "red", "hint": "cyan"}[kind]
        print(f"{PREFIX}: {painted(kind, colour, sys.stderr)}: {text}", file=sys.stderr)


def print_traceback() -> None:
    """Print the current exception's traceback, with control characters escaped."""
    for line in traceback.format_exc().splitlines():
        print(harmless(line), file=sys.stderr)


def _run(arguments: Sequence[str] | None) -> int:
    if "_ARGCOMPLETE" in os.environ:
        from .completion import print_completions  # noqa: PLC0415 - imports every command

        print_completions(_COMMANDS)
    width = max(map(len, _COMMANDS))
    listing = "\n".join(f"  {name:{width}}  {text}" for name, text in _COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog=PREFIX,
        usage=f"{PREFIX} COMMAND [OPTION ...]",
        description=f"{_first_lines()}\n\ncommands:\n{listing}",
        epilog=f"'{PREFIX} COMMAND --help' describes a command, with an example.\n{_manual()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("command", choices=_COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        parser.print_help()
        return FINE
    parsed = parser.parse_args(words)

    command = importlib.import_module(f"{__name__}.{parsed.command}")
    of_command = argparse.ArgumentParser(
        prog=f"{PREFIX} {parsed.command}",
        description=command.__doc__,
        epilog=_manual(),
        formatter_class=_ParagraphFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(of_command)
    its_own = of_command.parse_args(parsed.arguments)
    # If a console cannot show a character, print an escape sequence instead.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return int(command.run(its_own))


class _ParagraphFormatter(argparse.HelpFormatter):
    """Wraps the paragraphs of a description, but not indented paragraphs: these are commands."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.strip().split("\n\n")
        return "\n\n".join(
            p
            if p.startswith(" ")
            else super(_ParagraphFormatter, self)._fill_text(p, width, indent)
            for p in paragraphs
        )


def _manual() -> str:
    return f"manual: {REPOSITORY}" if REPOSITORY else ""


def _first_lines() -> str:
    assert __doc__ is not None
    what, *_, status = __doc__.strip().split("\n\n")
    return f"{what.partition(': ')[2]}\n{status}"
