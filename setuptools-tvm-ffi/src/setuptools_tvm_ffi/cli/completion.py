# SPDX-License-Identifier: Apache-2.0
"""Completes commands, options and their values in a shell, if argcomplete is installed.

argcomplete sets the environment variable ``_ARGCOMPLETE`` and runs the command. The command then
prints only the completions, which argcomplete reads.
https://kislyuk.github.io/argcomplete/
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping


def complete(commands: Mapping[str, str]) -> None:
    """Print the completions and exit. If argcomplete is not installed, do nothing.

    :param commands: maps the name of each command to its help.
    """
    try:
        import argcomplete  # noqa: PLC0415 - an optional dependency
    except ImportError:
        return
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--version", action="store_true")
    chosen = parser.add_subparsers()
    for name, text in commands.items():
        module = importlib.import_module(f"{__package__}.{name}")
        module.add_arguments(chosen.add_parser(name, help=text))
    argcomplete.autocomplete(parser)
