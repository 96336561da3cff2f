# SPDX-License-Identifier: Apache-2.0
"""Compares the headers of libraries with a platform tag.

A build environment may lack LIEF and auditwheel, so this module uses neither. The module
`platform_tags` checks more, but needs these packages.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

#: The headers of a library are within this number of bytes at the start of the file.
SIZE = 1 << 16

# The header of a file contains a number for the architecture. Each table maps this number to the
# names of the architecture in platform tags. GPUs do not occur in platform tags: their names are
# for messages. The tag "win32" names no architecture, so `_PE` contains the whole tag instead.
_ELF = {
    3: ("i686", "i586", "i486", "i386"),
    21: ("ppc64le", "ppc64"),
    22: ("s390x",),
    40: ("armv7l", "armv6l", "armv8l", "armv5tel"),
    62: ("x86_64",),
    183: ("aarch64",),
    190: ("NVIDIA GPUs",),
    224: ("AMD GPUs",),
    243: ("riscv64",),
    258: ("loongarch64",),
}
_MACHO = {7: ("i386",), 0x01000007: ("x86_64",), 0x0100000C: ("arm64",)}
_PE = {0x14C: ("win32",), 0x8664: ("amd64",), 0xAA64: ("arm64",)}
_UNIVERSAL = {"universal2": ("arm64", "x86_64"), "intel": ("i386", "x86_64")}
# Maps other names of architectures in tags to the names above. PEP 738 defines the tags for
# Android, and PEP 730 defines the tags for iOS.
_ALIASES = {
    "arm64_v8a": "aarch64",
    "armeabi_v7a": "armv7l",
    "x86": "i686",
    "arm64_iphoneos": "arm64",
    "arm64_iphonesimulator": "arm64",
    "x86_64_iphonesimulator": "x86_64",
    "32": "win32",
}
# A universal file contains an entry for each architecture. The size of an entry depends on the
# magic number of the file. Each key is a magic number, and the value is the size in bytes.
_FAT = {b"\xca\xfe\xba\xbe": 20, b"\xca\xfe\xba\xbf": 32}
_THIN = {b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"}
_TAG = re.compile(
    r"(linux|manylinux|musllinux|macosx|win|android|ios)(?:\d*(?:_\d+)*_|(?=32))([a-z]\w*|32)"
)
_FORMATS = {"macosx": "Mach-O", "ios": "Mach-O", "win": "PE"}


def tag_problem(content: bytes, platform: str, own: str = "") -> str | None:
    """Return why a library does not fit a platform tag, or ``None`` if the library fits.

    If the tag names an unknown system, the architecture is not compared. In this case, an ELF,
    Mach-O or PE file fits only if `platform` is `own`, and a file in any other format always fits.

    :param content: the first `SIZE` bytes of the library.
    :param own: the platform tag of the system that builds.

    >>> tag_problem(b"text", "linux_x86_64")
    'not an ELF file'
    """
    match = _TAG.fullmatch(platform)
    found = list(_machines(content))
    formats = {name for name, _ in found}
    if platform == "any":
        return "for one platform only"
    if match is None:
        return f"{_a(*sorted(formats))} file" if formats and platform != own else None
    wanted = _FORMATS.get(match[1], "ELF")
    if formats != {wanted}:
        return f"{_a(*sorted(formats))} file" if formats else f"not {_a(wanted)} file"
    names = [names for _, names in found]
    for system, other in (("musllinux", b"libc.so.6"), ("manylinux", b"libc.musl-")):
        if match[1] == system and b"\0" + other in content:
            return f"{_a(wanted)} file that needs {other.decode()}"
    for machine in _UNIVERSAL.get(match[2], (_ALIASES.get(match[2], match[2]),)):
        known = any(machine in values for table in (_ELF, _MACHO, _PE) for values in table.values())
        if (known or any(names)) and not any(machine in each for each in names):
            return f"{_a(wanted)} file for {' and '.join(n[0] if n else '?' for n in names)}"
    return None


def _a(*formats: str) -> str:
    return " and ".join(f"{'an' if name == 'ELF' else 'a'} {name}" for name in formats)


def _machines(content: bytes) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield, for each architecture in a file, the file's format and the architecture's names."""
    try:
        if content[:4] == b"\x7fELF":
            order = ">" if content[5] == 2 else "<"  # noqa: PLR2004 - ELFDATA2MSB
            (number,) = struct.unpack_from(f"{order}H", content, 18)
            yield "ELF", _ELF.get(number, ())
        elif content[:2] == b"MZ":
            (start,) = struct.unpack_from("<I", content, 60)
            signature, number = struct.unpack_from("<4sH", content, start)
            if signature == b"PE\0\0":
                yield "PE", _PE.get(number, ())
        elif content[:4] in _THIN:
            (number,) = struct.unpack_from("<I", content, 4)
            yield "Mach-O", _MACHO.get(number, ())
        elif content[:4] in _FAT:
            (count,) = struct.unpack_from(">I", content, 4)
            for index in range(count):
                (number,) = struct.unpack_from(">I", content, 8 + index * _FAT[content[:4]])
                yield "Mach-O", _MACHO.get(number, ())
    except (struct.error, IndexError):
        return  # The file is truncated.
