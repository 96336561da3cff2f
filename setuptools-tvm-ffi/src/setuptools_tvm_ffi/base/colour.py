# SPDX-License-Identifier: Apache-2.0
"""Colours text that is written to a terminal.

The variable ``NO_COLOR`` disables colours (https://no-color.org). The variable ``FORCE_COLOR``
enables colours for output that is not a terminal (https://force-color.org).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

_CODES = {"bold": 1, "red": 31, "green": 32, "yellow": 33, "cyan": 36}


def has_colours(stream: TextIO, environment: Mapping[str, str] | None = None) -> bool:
    """Whether to write colours to a stream.

    :param environment: environment variables. By default, these are :data:`os.environ`.
    """
    variables = os.environ if environment is None else environment
    if variables.get("NO_COLOR"):
        return False
    if variables.get("FORCE_COLOR"):
        return True
    return stream.isatty() and variables.get("TERM") != "dumb"


def painted(text: str, colour: str, stream: TextIO) -> str:
    """Return a text with a colour's escape codes, or without them if the stream shows no colours.

    :param colour: ``bold``, ``red``, ``green``, ``yellow`` or ``cyan``.
    """
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if has_colours(stream) else text
