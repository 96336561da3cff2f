# SPDX-License-Identifier: Apache-2.0
"""Adds and parses the option ``-C KEY=VALUE``, which sets a project-wide setting.

The option has the same form as pip's option ``-C``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..base.errors import BuildError


def add_config_settings(parser: argparse.ArgumentParser) -> None:
    """Add the option. The parsed arguments contain the option's values in `config_setting`."""
    parser.add_argument(
        "-C",
        "--config-setting",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a project-wide setting, in the same form as for pip; may be repeated",
    )


def parse_config_settings(pairs: Sequence[str]) -> dict[str, str | list[str] | None]:
    """Return the settings in the form in which a frontend passes them to a hook.

    The value of a repeated setting is a list.

    :raises BuildError: a setting has no value.
    """
    found: dict[str, list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise BuildError(f"--config-setting {pair} has no value", hint="write KEY=VALUE")
        found.setdefault(key, []).append(value)
    return {key: values if len(values) > 1 else values[0] for key, values in found.items()}
