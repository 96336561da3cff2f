# SPDX-License-Identifier: Apache-2.0
"""How messages refer to settings in `setup.py` and in TOML files."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Declaration:
    """The place where a group of settings is declared: a call in `setup.py`, or a TOML table.

    :param whole: the call, or the file and the dotted key of the TOML table.
    :param in_toml: whether the place is a TOML table. TOML keys contain dashes instead of
        underscores.
    """

    whole: str
    in_toml: bool = False

    def at(self, setting: str) -> str:
        """Return a text that locates a setting. Messages about the setting start with this text.

        >>> Declaration("TVMFFIExtension('a.b')").at("cxx_std")
        "TVMFFIExtension('a.b'): cxx_std"
        >>> Declaration("pyproject.toml: tool.x[0]", in_toml=True).at("cxx_std")
        'pyproject.toml: tool.x[0].cxx-std'
        """
        return f"{self.whole}{'.' if self.in_toml else ': '}{self.name_of(setting)}"

    def name_of(self, setting: str) -> str:
        """Return a setting's name as the declaration spells it."""
        return key_of(setting) if self.in_toml else setting.rstrip("_")


def key_of(field: str) -> str:
    """Return the TOML key of a setting from the name of its dataclass field.

    >>> key_of("cxx_std")
    'cxx-std'

    Some keys are keywords of Python. The names of their fields end in an underscore:

    >>> key_of("if_")
    'if'
    """
    return field.rstrip("_").replace("_", "-")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a text to append to a message about an unknown name.

    The text suggests a known name that is similar to `name`. If no known name is similar, the text
    is empty.
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
