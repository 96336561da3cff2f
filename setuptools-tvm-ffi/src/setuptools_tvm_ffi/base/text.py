# SPDX-License-Identifier: Apache-2.0
"""Joins names for messages, and escapes text for terminals. Does not import setuptools."""

from __future__ import annotations

from collections.abc import Collection, Sequence

#: The name of the command, which starts the plugin's messages.
PREFIX = "setuptools-tvm-ffi"


def first_few(items: Collection[str], *, shown: int = 4, separator: str = ", ") -> str:
    """Join the first `shown` items, and state the number of the remaining items.

    >>> first_few(["a", "b", "c", "d"]), first_few(["a", "b", "c", "d"], shown=2)
    ('a, b, c, d', 'a, b and 2 more')

    :param separator: the text between items, usually a comma and white space. Before "and", only
        the white space is inserted.
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
    r"""Escape the control characters in a line of untrusted text before a terminal shows it.

    >>> print(harmless("größe \x1b[2J"))
    größe \x1b[2J
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
