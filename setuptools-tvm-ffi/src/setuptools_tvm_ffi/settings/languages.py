# SPDX-License-Identifier: Apache-2.0
"""The languages that are compiled, and the kinds of files that are linked."""

from __future__ import annotations

from dataclasses import dataclass

#: Languages that sources are written in, by file suffix.
LANGUAGE_BY_SUFFIX = {
    ".c": "c",
    ".cc": "cxx",
    ".cpp": "cxx",
    ".cxx": "cxx",
    ".cu": "cuda",
    ".hip": "hip",
}

#: Prebuilt inputs of a link, by file suffix.
OBJECT_SUFFIXES = frozenset({".o", ".obj"})
ARCHIVE_SUFFIXES = frozenset({".a", ".lib"})

LANGUAGES = ("c", "cxx", "cuda", "hip")


@dataclass(frozen=True)
class LanguageArguments:
    """Arguments for the compiler of each language."""

    c: tuple[str, ...] = ()
    cxx: tuple[str, ...] = ()
    cuda: tuple[str, ...] = ()
    hip: tuple[str, ...] = ()

    def of(self, language: str) -> tuple[str, ...]:
        """Return those of one language, as in `LANGUAGE_BY_SUFFIX`."""
        arguments: tuple[str, ...] = getattr(self, language)
        return arguments
