# SPDX-License-Identifier: Apache-2.0
"""Compares the stubs of a source tree with what the library gives now, and says why they differ."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from . import directives
from .pyi import SIGNATURE

# The second line of a `.pyi`, see `pyi.header`.
_MADE_WITH = re.compile(
    r"# setuptools-tvm-ffi (?P<plugin>\S+), apache-tvm-ffi (?P<tvm_ffi>\S+), "
    r"registry (?P<registry>\w+)"
)


@dataclass(frozen=True)
class Difference:
    """One file that is not what it would be.

    :param source: where it is in the source tree, or would be.
    :param old: ``None`` where there is none.
    :param new: ``None`` where there is to be none.
    """

    source: str
    old: str | None
    new: str | None

    def unified_diff(self) -> str:
        """Return the difference as ``diff -u`` writes it."""
        lines = difflib.unified_diff(
            (self.old or "").splitlines(keepends=True),
            (self.new or "").splitlines(keepends=True),
            "/dev/null" if self.old is None else f"a/{self.source}",
            "/dev/null" if self.new is None else f"b/{self.source}",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def same(old: bytes, new: bytes) -> bool:
    """Whether two versions of a stub differ in nothing but what they were made with."""
    return _without_versions(old) == _without_versions(new)


def find_differences(
    stubs: Mapping[PurePosixPath, bytes | None],
    committed: Mapping[PurePosixPath, bytes],
    sources: Mapping[PurePosixPath, str],
) -> list[Difference]:
    """Return what differs, sorted.

    :param stubs: what there should be, ``None`` for a file that is to go.
    :param committed: what there is.
    :param sources: where each file is in the source tree.
    """
    differences = []
    for path in sorted(stubs):
        old, new = committed.get(path), stubs[path]
        if old is None and new is None:
            continue
        if old is None or new is None or not same(old, new):
            differences.append(Difference(sources[path], _text(old), _text(new)))
    return differences


def is_committed(committed: Mapping[PurePosixPath, bytes]) -> bool:
    """Whether a source tree keeps any stubs that were generated."""
    marks = (directives.BEGIN.encode(), SIGNATURE.encode())
    return any(mark in content for content in committed.values() for mark in marks)


def cause(differences: list[Difference]) -> str:
    """Return which tool made the difference, if it was one: nothing else tells two registries.

    Empty where the library registers something else than before, or it cannot be known.
    """
    for difference in differences:
        old, new = (_MADE_WITH.search(text or "") for text in (difference.old, difference.new))
        if old is None or new is None or old["registry"] != new["registry"]:
            continue
        changed = [
            f"{tool} {old[group]}, now {new[group]}"
            for tool, group in (("setuptools-tvm-ffi", "plugin"), ("apache-tvm-ffi", "tvm_ffi"))
            if old[group] != new[group]
        ]
        if changed:
            return f"the library registers what it did; they were written with {', '.join(changed)}"
    return ""


def _without_versions(content: bytes) -> bytes:
    first, end, rest = content.partition(b"\n")
    if not first.startswith(SIGNATURE.encode()):
        return content
    return first + end + rest.partition(b"\n")[2]


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "replace")
