# SPDX-License-Identifier: Apache-2.0
"""Compares archives that must be identical, and reports their differences."""

from __future__ import annotations

import difflib
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Entry:
    """A file or folder in an archive. `facts` is its metadata."""

    facts: tuple[object, ...]
    content: bytes


def entries(archive: Path) -> dict[str, Entry]:
    """Return the entries of a tar or zip archive (a wheel is a zip archive), in archive order."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            return {
                i.filename: Entry(
                    (i.date_time, oct(i.external_attr), i.create_system, i.compress_type, i.extra),
                    opened.read(i),
                )
                for i in opened.infolist()
            }
    found = {}
    with tarfile.open(archive) as tar:
        for i in tar:
            file = tar.extractfile(i)
            facts = (i.mtime, oct(i.mode), i.uid, i.gid, i.uname, i.gname, i.type, i.pax_headers)
            found[i.name] = Entry(facts, b"" if file is None else file.read())
    return found


def assert_same_bytes(first: Path, second: Path) -> None:
    """Fail if two archives differ, and report names, metadata, lines or bytes that differ."""
    if first.read_bytes() != second.read_bytes():
        pytest.fail("\n".join((f"{first} and {second} differ:", *_differences(first, second))))


def _differences(first: Path, second: Path) -> Iterator[str]:
    ours, theirs = entries(first), entries(second)
    if list(ours) != list(theirs):
        yield from difflib.unified_diff(list(ours), list(theirs), "names", "names", lineterm="")
    for name in ours.keys() & theirs.keys():
        a, b = ours[name], theirs[name]
        if a.facts != b.facts:
            yield f"{name}: {a.facts} and {b.facts}"
        if a.content != b.content:
            yield from _content_differences(name, a.content, b.content)
    if ours == theirs:
        yield "the entries are identical, but are packed differently (compression, header)"


def _content_differences(name: str, a: bytes, b: bytes) -> Iterator[str]:
    try:
        lines = (a.decode().splitlines(), b.decode().splitlines())
    except UnicodeDecodeError:
        place = next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        yield f"{name}: {len(a)} and {len(b)} bytes, which differ from byte {place} on:"
        for content in (a, b):
            yield f"    {content[max(place - 64, 0) : place + 64]!r}"
    else:
        yield from difflib.unified_diff(*lines, name, name, lineterm="", n=1)
