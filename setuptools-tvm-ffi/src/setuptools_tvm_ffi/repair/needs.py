# SPDX-License-Identifier: Apache-2.0
"""What a wheel lacks, which is asked where the tool that could mend it does not run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..audit.binaries import Binary, BinaryReader, Unreadable, is_binary
from ..audit.platform_tags import is_entitled, problems_for
from ..errors import BuildError
from ..wheel_archive import WheelArchive


def needs(archive: WheelArchive, reader: BinaryReader) -> tuple[str, ...]:
    """Return what a repair would be for; nothing where the wheel is in order as it is.

    :raises BuildError: a library cannot be read.
    """
    binaries = []
    for binary in reader.read(_libraries(archive)):
        if isinstance(binary, Unreadable):
            raise BuildError(f"{archive.path.name}: {binary.path}: {binary.reason}")
        binaries.append(binary)
    found = [*_libraries_from_outside(binaries), *_unsigned(binaries)]
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


def _libraries_from_outside(binaries: Sequence[Binary]) -> Iterator[str]:
    inside = {binary.path.rpartition("/")[2].lower() for binary in binaries}
    for binary in binaries:
        for library in binary.needed:
            name = library.replace("\\", "/").rpartition("/")[2].lower()
            if name not in inside and not is_entitled(library, binary):
                yield f"{binary.path}: it needs {library}, which is not in the wheel"


def _unsigned(binaries: Sequence[Binary]) -> Iterator[str]:
    for binary in binaries:
        if binary.machine == "arm64" and binary.signed is False:
            yield f"{binary.path}: it has no signature, without which arm64 macOS ends the process"
