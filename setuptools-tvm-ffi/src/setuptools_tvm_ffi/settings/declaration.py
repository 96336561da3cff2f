# SPDX-License-Identifier: Apache-2.0
"""How messages refer to settings in `setup.py` and in TOML files."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Declaration:
    """Where a table of settings is declared.

    :param whole: the call in `setup.py`, or the file and dotted key of a TOML table.
    :param in_toml: whether it is a TOML table. TOML keys contain dashes instead of underscores.
    """

    whole: str
    in_toml: bool = False

    def at(self, setting: str) -> str:
        """Return the start of a message about one setting.

        >>> Declaration("TVMFFIExtension('a.b')").at("cxx_std")
        "TVMFFIExtension('a.b'): cxx_std"
        >>> Declaration("pyproject.toml: tool.x[0]", in_toml=True).at("cxx_std")
        'pyproject.toml: tool.x[0].cxx-std'
        """
        return f"{self.whole}{'.' if self.in_toml else ': '}{self.name_of(setting)}"

    def name_of(self, setting: str) -> str:
        """Return a setting's name as the declaration spells it."""
        return key_of(setting) if self.in_toml else setting


def key_of(field: str) -> str:
    """Return the key of a field in `pyproject.toml`.

    >>> key_of("cxx_std")
    'cxx-std'
    """
    return field.replace("_", "-")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a suggestion to append to a message about an unknown name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
