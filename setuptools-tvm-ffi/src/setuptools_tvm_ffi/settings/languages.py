# SPDX-License-Identifier: Apache-2.0
"""The file suffixes of source languages, object files and static archives."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGE_BY_SUFFIX = {
    ".c": "c",
    ".cc": "cxx",
    ".cpp": "cxx",
    ".cxx": "cxx",
    ".cu": "cuda",
    ".hip": "hip",
    ".S": "asm",
    ".s": "asm",
}

OBJECT_SUFFIXES = frozenset({".o", ".obj"})
ARCHIVE_SUFFIXES = frozenset({".a", ".lib"})

LANGUAGES = ("c", "cxx", "cuda", "hip", "asm")
#: The languages that a GPU compiler compiles.
DEVICE_LANGUAGES = frozenset({"cuda", "hip"})


@dataclass(frozen=True)
class LanguageArguments:
    """The compiler arguments that a project declares, separately for each language."""

    c: tuple[str, ...] = ()
    cxx: tuple[str, ...] = ()
    cuda: tuple[str, ...] = ()
    hip: tuple[str, ...] = ()
    asm: tuple[str, ...] = ()

    def __add__(self, other: LanguageArguments) -> LanguageArguments:
        return LanguageArguments(*(self.of(name) + other.of(name) for name in LANGUAGES))

    def of(self, language: str) -> tuple[str, ...]:
        """Return the arguments for one language, see `LANGUAGES`."""
        arguments: tuple[str, ...] = getattr(self, language)
        return arguments
