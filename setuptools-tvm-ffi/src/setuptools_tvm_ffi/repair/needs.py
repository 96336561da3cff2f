# SPDX-License-Identifier: Apache-2.0
"""What a wheel lacks, which is asked where the tool that could mend it does not run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..archives.wheel_archive import WheelArchive
from ..audit import codes
from ..audit.library_checks import library_findings, surroundings
from ..base.errors import BuildError
from ..binaries.binary import Binary, BinaryReader, Unreadable, is_binary
from ..binaries.platform_tags import problems_for

_MENDED = {
    codes.NEEDS_MISSING: "it needs {}, which is not in the wheel",
    codes.UNSIGNED: "it has no signature, without which arm64 macOS ends the process",
}


def needs(archive: WheelArchive, reader: BinaryReader) -> tuple[str, ...]:
    """Return what a repair would be for; nothing where the wheel is in order as it is.

    :raises BuildError: a library cannot be read.
    """
    binaries = []
    for binary in reader.read(_libraries(archive)):
        if isinstance(binary, Unreadable):
            raise BuildError(f"{archive.path.name}: {binary.path}: {binary.reason}")
        binaries.append(binary)
    found = list(_from_audit(archive, binaries))
    for platform in sorted({tag.platform for tag in archive.tags}):
        found += problems_for(binaries, platform)
        if platform.startswith("linux_"):
            found.append(f"its tag is '{platform}', which PyPI does not take")
    return tuple(dict.fromkeys(found))


def _libraries(archive: WheelArchive) -> Iterator[tuple[str, bytes]]:
    for name in archive.members:
        content = archive.read(name)
        if is_binary(name, content):
            yield name, content
        del content  # before the next is read


def _from_audit(archive: WheelArchive, binaries: Sequence[Binary]) -> Iterator[str]:
    """Yield what an audit finds that a repair mends."""
    around = surroundings(binaries, archive.members)
    for binary in binaries:
        for finding in library_findings(binary, around, tags=archive.tags):
            if finding.code in _MENDED:
                yield f"{finding.path}: {_MENDED[finding.code].format(finding.what)}"
