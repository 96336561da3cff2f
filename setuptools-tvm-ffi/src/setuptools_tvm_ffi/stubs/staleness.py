# SPDX-License-Identifier: Apache-2.0
"""Compares the stubs of a source tree with what the library gives now, and says why they differ."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from . import directives
from .pyi import SIGNATURE

# The second line of a `.pyi`, see `pyi.header`.
_MADE_WITH = re.compile(
    r"# setuptools-tvm-ffi (?P<plugin>\S+), apache-tvm-ffi (?P<tvm_ffi>\S+), "
    r"registry (?P<registry>\w+)"
)


@dataclass(frozen=True)
class StubFile:
    """One file of stubs, as it is in the source tree and as it is to be.

    :param source: where it is in the source tree, or would be.
    :param old: ``None`` where there is none.
    :param new: ``None`` where there is to be none.
    :param path: in the wheel; ``None`` for one that no wheel has.
    """

    source: Path
    old: bytes | None
    new: bytes | None
    path: PurePosixPath | None

    @property
    def is_stale(self) -> bool:
        """Whether the source tree's says something else; what made a file does not count."""
        if self.old is None or self.new is None:
            return self.old is not self.new
        return _without_versions(self.old) != _without_versions(self.new)

    @property
    def is_generated(self) -> bool:
        """Whether the source tree has it with something that was generated."""
        # After the `#` of Python or the `//` of Rust.
        marks = (directives.BEGIN.lstrip("# ").encode(), SIGNATURE.encode())
        return self.old is not None and any(mark in self.old for mark in marks)

    def unified_diff(self) -> str:
        """Return the difference as ``diff -u`` writes it."""
        name = self.source.as_posix()
        old = "/dev/null" if self.old is None else f"a/{name}"
        new = "/dev/null" if self.new is None else f"b/{name}"
        if not (self.old or self.new):
            return f"--- {old}\n+++ {new}\n"  # of an empty file
        lines = difflib.unified_diff(
            _text(self.old).splitlines(keepends=True),
            _text(self.new).splitlines(keepends=True),
            old,
            new,
        )
        unended = "\n\\ No newline at end of file\n"
        return "".join(line if line.endswith("\n") else line + unended for line in lines)


def stale_files(files: Iterable[StubFile]) -> list[StubFile]:
    """Return those that are out of date, sorted."""
    return sorted((f for f in files if f.is_stale), key=lambda file: file.source.as_posix())


def cause(files: Iterable[StubFile]) -> str:
    """Return which tools other than the present ones were in use, and whether that is the cause.

    It is where the registry is the same. Empty where the tools are.
    """
    for file in files:
        old, new = (_MADE_WITH.search(_text(content)) for content in (file.old, file.new))
        if old is None or new is None:
            continue
        changed = [
            f"{tool} {old[group]}, now {new[group]}"
            for tool, group in (("setuptools-tvm-ffi", "plugin"), ("apache-tvm-ffi", "tvm_ffi"))
            if old[group] != new[group]
        ]
        if changed and old["registry"] == new["registry"]:
            return f"the library registers what it did; they were written with {', '.join(changed)}"
        if changed:
            return f"which may be because they were written with {', '.join(changed)}"
    return ""


def _without_versions(content: bytes) -> bytes:
    first, end, rest = content.partition(b"\n")
    if not first.startswith(SIGNATURE.encode()):
        return content
    return first + end + rest.partition(b"\n")[2]


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace")
