# SPDX-License-Identifier: Apache-2.0
"""Compares the stubs in the source tree with the stubs that this build has generated."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from . import directives

# This pattern matches the second line of a `.pyi` file, see `pyi.header`.
_MADE_WITH = re.compile(
    r"# setuptools-tvm-ffi (?P<plugin>\S+), apache-tvm-ffi (?P<tvm_ffi>\S+), "
    r"registry (?P<registry>\w+)"
)


@dataclass(frozen=True)
class StubFile:
    """A stub file, with the content in the source tree and the content that this build generated.

    :param source: the path of the file in the source tree.
    :param old: the content in the source tree; ``None`` if the file does not exist.
    :param new: the content that this build has generated; ``None`` if the file should not exist.
    :param path: the path of the file in the wheel; ``None`` if wheels do not contain the file.
    """

    source: Path
    old: bytes | None
    new: bytes | None
    path: PurePosixPath | None

    @property
    def is_stale(self) -> bool:
        """Whether `old` and `new` differ. In a ``.pyi`` file, the line of versions is ignored."""
        if self.old is None or self.new is None:
            return self.old is not self.new
        return _without_versions(self.old) != _without_versions(self.new)

    @property
    def is_generated(self) -> bool:
        """Whether the file in the source tree contains generated parts."""
        # Search for the begin marker without the comment sign: Python uses `#`, Rust uses `//`.
        marks = (directives.BEGIN.lstrip("# ").encode(), directives.SIGNATURE.encode())
        return self.old is not None and any(mark in self.old for mark in marks)

    def unified_diff(self) -> str:
        """Return the difference between `old` and `new` in the format of ``diff -u``."""
        name = self.source.as_posix()
        old = "/dev/null" if self.old is None else f"a/{name}"
        new = "/dev/null" if self.new is None else f"b/{name}"
        if not (self.old or self.new):
            return f"--- {old}\n+++ {new}\n"  # Both contents are empty or missing.
        import difflib  # noqa: PLC0415 - few builds show a difference

        lines = difflib.unified_diff(
            _text(self.old).splitlines(keepends=True),
            _text(self.new).splitlines(keepends=True),
            old,
            new,
        )
        unended = "\n\\ No newline at end of file\n"
        return "".join(line if line.endswith("\n") else line + unended for line in lines)


def stale_files(files: Iterable[StubFile]) -> list[StubFile]:
    """Return the stale files, sorted by path."""
    return sorted((f for f in files if f.is_stale), key=lambda file: file.source.as_posix())


def cause(files: Iterable[StubFile]) -> str:
    """Return a text about tool versions that have changed since stale stubs were written.

    :returns: a text with the old and new versions, or an empty text if no version has changed. If
        the registry has changed, too, the text calls the versions a possible cause.
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
            return f"the registry did not change; the stubs were written with {', '.join(changed)}"
        if changed:
            return f"a possible cause: the stubs were written with {', '.join(changed)}"
    return ""


def _without_versions(content: bytes) -> bytes:
    first, end, rest = content.partition(b"\n")
    if not first.startswith(directives.SIGNATURE.encode()):
        return content
    return first + end + rest.partition(b"\n")[2]


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace")
