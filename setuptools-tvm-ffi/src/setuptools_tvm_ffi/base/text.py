# SPDX-License-Identifier: Apache-2.0
"""Joins names for messages, and escapes text for terminals.

Unlike `errors`, this module does not import setuptools, because the import would delay every
command.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

#: The plugin's messages start with this text, which is also the name of the command.
PREFIX = "setuptools-tvm-ffi"


def first_few(items: Collection[str], *, shown: int = 4, separator: str = ", ") -> str:
    """Join the first `shown` items, and state the number of the remaining items.

    >>> first_few(["a", "b", "c", "d"]), first_few(["a", "b", "c", "d"], shown=2)
    ('a, b, c, d', 'a, b and 2 more')

    :param separator: the text between items, usually a comma and white space. The white space,
        without the comma, is also inserted before "and".
    """
    joined = separator.join(list(items)[:shown])
    more = len(items) - shown
    return f"{joined}{separator.lstrip(',')}and {more} more" if more > 0 else joined


def in_words(items: Sequence[str], conjunction: str) -> str:
    """Join items with commas, and the last item with a conjunction.

    >>> in_words(["A", "B", "C"], "and")
    'A, B and C'
    """
    *first, last = items
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def harmless(line: str) -> str:
    r"""Escape unprintable characters in untrusted text, so that it cannot control a terminal.

    >>> print(harmless("größe \x1b[2J"))
    größe \x1b[2J
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def without_colours(text: str) -> str:
    r"""Remove the escape sequences that compilers write to colour their messages on a terminal.

    >>> without_colours("\x1b[01;35mwarning: \x1b[m\x1b[Kunused")
    'warning: unused'
    """
    return _COLOURS.sub("", text)


def file_size(size: int) -> str:
    """Return a number of bytes in a readable unit.

    >>> file_size(999), file_size(84_000), file_size(3_250_000)
    ('999 bytes', '82.0 KiB', '3.1 MiB')
    """
    if size < 1024:  # noqa: PLR2004 - a KiB
        return f"{size} bytes"
    kib = size / 1024
    return f"{kib:.1f} KiB" if kib < 1000 else f"{kib / 1024:.1f} MiB"  # noqa: PLR2004


def duration(seconds: float) -> str:
    """Return a time in a readable unit.

    >>> duration(4.26), duration(64.9)
    ('4.3 s', '1 min 04 s')
    """
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02} s"
