# SPDX-License-Identifier: Apache-2.0
"""Finds the problems of a wheel that a repair would fix.

This module is used if the repair tool cannot process the wheel on this system. If the wheel has no
such problem, it needs no repair.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..archives.wheel_archive import WheelArchive
from ..audit import codes
from ..audit.library_checks import library_findings, surroundings
from ..binaries.binary import BinaryReader, is_binary
from ..binaries.platform_tags import problems_for

# The audit's findings that a repair fixes.
_FIXED = {
    codes.NEEDS_MISSING: "needs {}, which is not in the wheel",
    codes.UNSIGNED: "is not signed, so macOS on ARM kills a process that loads it",
}


def needs(archive: WheelArchive, reader: BinaryReader) -> tuple[str, ...]:
    """Return the problems that a repair would fix.

    :raises BuildError: a library cannot be read.
    """
    binaries = reader.read_all(_libraries(archive), archive.path.name)
    around = surroundings(binaries, archive.members)
    found = [
        f"{finding.path}: {_FIXED[finding.code].format(finding.what)}"
        for binary in binaries
        for finding in library_findings(binary, around, tags=archive.tags)
        if finding.code in _FIXED
    ]
    for platform in sorted({tag.platform for tag in archive.tags}):
        found += problems_for(binaries, platform)
        if platform.startswith("linux_"):
            found.append(f"its tag is '{platform}', which PyPI rejects")
    return tuple(dict.fromkeys(found))


def _libraries(archive: WheelArchive) -> Iterator[tuple[str, bytes]]:
    for name in archive.members:
        content = archive.read(name)
        if is_binary(name, content):
            yield name, content
        del content  # Free the memory before the next member is read.
