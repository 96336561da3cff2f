# SPDX-License-Identifier: Apache-2.0
"""Whether a zip archive says the same to whoever reads it from its start and by its directory.

Each member has a header of its own before it, and an entry in the directory at the end. Some
installers unpack what they download from the first header on, others go by the directory. The
format is https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

#: The largest directory that is looked at.
MAX_DIRECTORY_SIZE = 4 * 1024 * 1024

# The end of an archive without a comment: signature, disks, counts, directory's size and offset.
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_LOCATOR = (b"PK\x06\x07", 20)

# Signature, version, flags, method, time, date, CRC, sizes, lengths of name and extra field.
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_ENTRY_SIZE, _ENTRY_LENGTHS = 46, 28

_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
_HAS_DESCRIPTOR = 0x8
_UTF8 = 0x800
_ZIP64_FIELD, _IN_ZIP64_FIELD = 0x0001, 0xFFFFFFFF
_UNICODE_PATH_FIELD = 0x7075


@dataclass(frozen=True)
class Directory:
    """Where the directory of an archive lies, and how many entries it is said to have."""

    start: int
    end: int
    count: int


def find_directory(stream: BinaryIO) -> Directory:
    """Return where the directory is; nothing is read that an archive could make large.

    :raises ValueError: the archive does not begin with a member, goes on after its end, or has
        something before its end that is no directory; or a larger one than is looked at.
    """
    size = os.fstat(stream.fileno()).st_size
    start = stream.read(len(_LOCAL_SIGNATURE))
    stream.seek(max(0, size - _END.size - _ZIP64_LOCATOR[1]))
    tail = stream.read(_END.size + _ZIP64_LOCATOR[1])
    end = tail[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_SIGNATURE):
        raise ValueError("it does not end as one does")
    if start != _LOCAL_SIGNATURE:
        raise ValueError("it does not begin with a member")
    _, disk, first_disk, here, count, directory_size, offset, _ = _END.unpack(end)
    is_zip64 = tail[: -_END.size].startswith(_ZIP64_LOCATOR[0])
    if is_zip64 or directory_size > MAX_DIRECTORY_SIZE:
        raise ValueError("its directory is larger than that of any wheel")
    if offset + directory_size != size - _END.size or here != count or disk or first_disk:
        raise ValueError("its directory is not where its end says")
    return Directory(offset, size - _END.size, count)


def check_layout(
    stream: BinaryIO, entries: Sequence[zipfile.ZipInfo], directory: Directory
) -> None:
    """Check that members follow each other from the first byte on, and are what the directory says.

    :param entries: of the directory.
    :raises ValueError: something lies between them, or a header says something else.
    """
    stream.seek(directory.start)
    _check_entries(stream.read(directory.end - directory.start), len(entries), directory.count)
    position = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset != position:
            raise ValueError(f"something else lies before member {entry.orig_filename!r}")
        stream.seek(position)
        position += _check_header(stream, entry) + entry.compress_size
        if entry.flag_bits & _HAS_DESCRIPTOR:
            stream.seek(position)
            position += _descriptor_length(stream, entry)
    if position != directory.start:
        raise ValueError("something else lies before its directory")


def _check_entries(content: bytes, found: int, said: int) -> None:
    position = count = 0
    while position + _ENTRY_SIZE <= len(content):
        lengths = struct.unpack_from("<3H", content, position + _ENTRY_LENGTHS)
        position += _ENTRY_SIZE + sum(lengths)
        count += 1
    if position != len(content) or not count == found == said:
        raise ValueError("its directory has another size than it says")


def _check_header(stream: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Compare the header before a member with its entry; return the length of the header."""
    name = entry.orig_filename
    content = stream.read(_LOCAL.size)
    if len(content) < _LOCAL.size or not content.startswith(_LOCAL_SIGNATURE):
        raise ValueError(f"member {name!r} is not where the directory says")
    fields_of_header: tuple[int, ...] = _LOCAL.unpack(content)[1:]
    _, flags, method, _, _, *sums, name_length, extra_length = fields_of_header
    its_name, extra = stream.read(name_length), stream.read(extra_length)
    if its_name != name.encode("utf-8" if entry.flag_bits & _UTF8 else "cp437"):
        raise ValueError(f"member {name!r} has another name in the header before it")
    if not entry.flag_bits & _UTF8 and not name.isascii():
        raise ValueError(f"member {name!r} has a name in an encoding that is not told")
    fields = _extra_fields(name, extra)
    if _UNICODE_PATH_FIELD in {*fields, *_extra_fields(name, entry.extra)}:
        raise ValueError(f"member {name!r} has another name in an extra field")
    if (flags, method) != (entry.flag_bits, entry.compress_type):
        raise ValueError(f"member {name!r} has another method or flags in the header before it")
    if _IN_ZIP64_FIELD in sums[1:]:
        sums[1:] = _zip64_sizes(name, sums[1], sums[2], fields.get(_ZIP64_FIELD, b""))
    expected = [entry.CRC, entry.compress_size, entry.file_size]
    if sums != expected and not (entry.flag_bits & _HAS_DESCRIPTOR and sums == [0, 0, 0]):
        raise ValueError(f"member {name!r} has another size or checksum in the header before it")
    return _LOCAL.size + name_length + extra_length


def _extra_fields(name: str, extra: bytes) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    position = 0
    while position < len(extra):
        if position + 4 > len(extra):
            raise ValueError(f"member {name!r} has an extra field that is cut off")
        kind, length = struct.unpack_from("<2H", extra, position)
        content = extra[position + 4 : position + 4 + length]
        if kind in fields or len(content) < length:
            raise ValueError(f"member {name!r} has an extra field twice, or one that is cut off")
        fields[kind] = content
        position += 4 + length
    return fields


def _zip64_sizes(name: str, packed: int, size: int, field: bytes) -> tuple[int, int]:
    """Return the sizes in a member, which stand in the field in the other order."""
    count = [size, packed].count(_IN_ZIP64_FIELD)
    if len(field) < 8 * count:
        raise ValueError(f"member {name!r} has an extra field that is cut off")
    large = iter(struct.unpack_from(f"<{count}Q", field))
    size = next(large) if size == _IN_ZIP64_FIELD else size
    packed = next(large) if packed == _IN_ZIP64_FIELD else packed
    return packed, size


def _descriptor_length(stream: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Return the length of what follows a member whose sizes were not known before it."""
    following = stream.read(len(_DESCRIPTOR_SIGNATURE) + struct.calcsize("<LQQ"))
    for signature in (_DESCRIPTOR_SIGNATURE, b""):
        for sizes in ("<LQQ", "<LLL"):
            numbers = struct.pack(sizes, entry.CRC, entry.compress_size, entry.file_size)
            if following.startswith(signature + numbers):
                return len(signature) + len(numbers)
    raise ValueError(f"member {entry.orig_filename!r} has another size or checksum behind it")
