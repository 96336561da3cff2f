# SPDX-License-Identifier: Apache-2.0
"""Chooses the sources that a unity build compiles together, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..base.file_digest import digest_of
from ..project.sources import language_of

#: The content of a batch's main file. The main file does not include the sources. Instead, the
#: compile command includes the sources with the option -include or /FI. A compiler then reports the
#: same paths, and searches the same folders for headers, as if it compiled each source alone. With
#: #include, the paths and the folders would differ.
MAIN_FILE = "/* The compile command includes the sources of this batch. */\n"

_SUFFIXES = {"c": ".c", "cxx": ".cc", "cuda": ".cu", "hip": ".hip"}
# nvcc (13.0) splits the value of -include at commas, and passes the value to a shell. A source is
# therefore compiled alone if its path contains one of these characters.
_NOT_INCLUDABLE = frozenset("\\\"'$`,")


@dataclass(frozen=True)
class Batch:
    """At least two sources of one language that are compiled together.

    :param main_file: the name of the file that is compiled.
    """

    language: str
    main_file: str
    sources: tuple[PurePosixPath, ...]


def batches(sources: Iterable[PurePosixPath], size: int) -> list[Batch]:
    """Return the batches of a unity build. Sources without a batch are compiled alone.

    The key of a source is a sequence of bits: the digest of the source's folder, then the digest of
    the source's path. At first, all sources of a language are in one group. If a group has more
    than `size` sources, the next bit of the keys splits the group into two groups. Each final group
    with at least two sources is a batch. A new source therefore changes one batch, or replaces one
    batch with smaller ones.

    The batches depend only on the paths of the sources. A build from scratch therefore chooses the
    same batches as an incremental build. Sources in one folder probably share headers, so they
    should be in the same batch. Therefore, their keys start with the same bits.

    :param size: the maximum number of sources in a batch; 0 means no maximum.
    """
    by_language: dict[str, dict[PurePosixPath, str]] = {}
    for source in sources:
        if language_of(source) in _SUFFIXES and _NOT_INCLUDABLE.isdisjoint(str(source)):
            key = _bits(source.parent) + _bits(source)
            by_language.setdefault(language_of(source), {})[source] = key
    return [
        Batch(language, f"{language}-{digest_of(bits.encode())[:8]}{_SUFFIXES[language]}", batch)
        for language, keys in by_language.items()
        for bits, batch in _split(keys, size or len(keys), "")
        if len(batch) > 1
    ]


def _split(
    keys: Mapping[PurePosixPath, str], size: int, bits: str
) -> Iterator[tuple[str, tuple[PurePosixPath, ...]]]:
    """Yield each final group: the bits with which all of its keys start, and its sources."""
    if len(keys) <= size:
        yield bits, tuple(keys)
        return
    for longer in (f"{bits}0", f"{bits}1"):
        part = {source: key for source, key in keys.items() if key.startswith(longer)}
        yield from _split(part, size, longer)


def _bits(path: PurePosixPath) -> str:
    return f"{int(digest_of(str(path).encode())[:16], 16):064b}"
