# SPDX-License-Identifier: Apache-2.0
"""How places and names are written in messages: those of a `setup.py` and those of TOML."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Declaration:
    """Where a table of settings is declared, for messages.

    :param whole: the call in `setup.py`, or the file and dotted key of the table.
    :param in_toml: whether it is such a table, whose keys have dashes.
    """

    whole: str
    in_toml: bool = False

    def at(self, setting: str) -> str:
        """Return what a message about one setting begins with.

        >>> Declaration("TVMFFIExtension('a.b')").at("cxx_std")
        "TVMFFIExtension('a.b'): cxx_std"
        >>> Declaration("pyproject.toml: tool.x[0]", in_toml=True).at("cxx_std")
        'pyproject.toml: tool.x[0].cxx-std:'
        """
        if self.in_toml:
            return f"{self.whole}.{self.name_of(setting)}:"
        return f"{self.whole}: {setting}"

    def name_of(self, setting: str) -> str:
        """Return a setting's name as it is written there."""
        return key_of(setting) if self.in_toml else setting


def key_of(field: str) -> str:
    """Return the key in `pyproject.toml` of a field.

    >>> key_of("cxx_std")
    'cxx-std'
    """
    return field.replace("_", "-")


def shown(key: str) -> str:
    r"""Return a key as a message shows it, on one line.

    >>> print(shown("cxx-std"), shown("a\nb"))
    cxx-std 'a\nb'
    """
    return key if key.isprintable() else repr(key)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: what comes closest, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
