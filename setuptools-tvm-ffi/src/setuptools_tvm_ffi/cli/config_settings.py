# SPDX-License-Identifier: Apache-2.0
"""The option ``-C KEY=VALUE`` of commands that build: a project-wide setting, as for pip."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..base.errors import BuildError


def add_config_settings(parser: argparse.ArgumentParser) -> None:
    """Add the option, whose values are collected in `config_setting`."""
    parser.add_argument(
        "-C",
        "--config-setting",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a project-wide setting, as for pip and build; may be repeated",
    )


def parse_config_settings(pairs: Sequence[str]) -> dict[str, str | list[str] | None]:
    """Return the settings as a frontend passes them to a hook.

    :raises BuildError: a setting has no value, or appears twice.
    """
    result: dict[str, str | list[str] | None] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise BuildError(f"--config-setting {pair}: has no value", hint="write KEY=VALUE")
        if key in result:
            raise BuildError(f"--config-setting {key}: is given more than once")
        result[key] = value
    return result
