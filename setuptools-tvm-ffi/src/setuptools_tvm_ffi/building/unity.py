# SPDX-License-Identifier: Apache-2.0
"""Chooses the sources that a unity build compiles together, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..base.file_digest import digest_of
from ..project.sources import language_of

#: The content of a batch's main file. The options -include and /FI of the command include the
#: sources. With these options, unlike with #include, a compiler reports the path of a source as
#: it does without batches, and searches no other folders for headers.
MAIN_FILE = "/* The compile command includes the sources of this batch. */\n"

_SUFFIXES = {"c": ".c", "cxx": ".cc", "cuda": ".cu", "hip": ".hip"}
# nvcc (13.0) splits the value of -include at commas, and passes it to a shell.
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

    The digest of its path decides about the batch of a source. All sources whose digests have the
    same first bits are in one batch; if these are more than `size` sources, the next bit splits the
    batch. A new source therefore changes one batch, or replaces one batch with two. A build from
    scratch chooses the same batches as an incremental build, because only the paths matter.

    :param size: the maximum number of sources in a batch; 0 means no maximum.
    """
    by_language: dict[str, list[PurePosixPath]] = {}
    for source in sources:
        if language_of(source) in _SUFFIXES and _NOT_INCLUDABLE.isdisjoint(str(source)):
            by_language.setdefault(language_of(source), []).append(source)
    return [
        batch
        for language, files in by_language.items()
        for batch in _split(language, files, size or len(files), "")
    ]


def _split(
    language: str, sources: Sequence[PurePosixPath], size: int, bits: str
) -> Iterable[Batch]:
    if len(sources) <= size:
        if len(sources) > 1:
            name = f"{language}-{bits or 'all'}{_SUFFIXES[language]}"
            yield Batch(language, name, tuple(sources))
        return
    for longer in (f"{bits}0", f"{bits}1"):
        yield from _split(language, [s for s in sources if _has(s, longer)], size, longer)


def _has(source: PurePosixPath, bits: str) -> bool:
    return f"{int(digest_of(str(source).encode()), 16):0256b}".startswith(bits)
