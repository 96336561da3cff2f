# SPDX-License-Identifier: Apache-2.0
"""Archives that say one thing to whoever reads them from the start, another by the directory."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from setuptools_tvm_ffi.archives.zip_layout import check_layout, find_directory

NAMES = ("pkg/__init__.py", "pkg/libops.so", "größe.txt")


class Pipe(io.BytesIO):
    """What zipfile writes into without going back, so that sizes stand behind each member."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def made(*, method: int = zipfile.ZIP_DEFLATED, stream: io.BytesIO | None = None) -> bytes:
    stream = io.BytesIO() if stream is None else stream
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name in NAMES:
            archive.writestr(name, name.encode() * 30)
    return stream.getvalue()


def check(folder: Path, content: bytes) -> None:
    file = folder / "a.whl"
    file.write_bytes(content)
    with file.open("rb") as stream:
        directory = find_directory(stream)
        with zipfile.ZipFile(file) as archive:
            check_layout(stream, archive.infolist(), directory)


def with_directory(members: bytes, directory: bytes, count: int = len(NAMES)) -> bytes:
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), len(members), 0)
    return members + directory + end


def parts(content: bytes) -> tuple[bytes, bytes]:
    """Return the members and the directory of an archive."""
    start = content.index(b"PK\1\2")
    return content[:start], content[start:-22]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_zipfile_writes_is_sound(tmp_path: Path, method: int) -> None:
    check(tmp_path, made(method=method))


def test_sizes_that_stand_behind_members_are_sound(tmp_path: Path) -> None:
    content = made(stream=Pipe())
    assert content.count(b"PK\7\x08") == len(NAMES)
    check(tmp_path, content)


@pytest.mark.parametrize("sizes", ["<LLL", "<LQQ"])
@pytest.mark.parametrize("signature", [b"", b"PK\7\x08"])
def test_each_kind_of_descriptor_is_known(tmp_path: Path, sizes: str, signature: bytes) -> None:
    """Of 12, 16, 20 and 24 bytes."""
    check(tmp_path, with_descriptor(signature + struct.pack(sizes, zlib.crc32(b"abc"), 3, 3)))


def with_descriptor(descriptor: bytes) -> bytes:
    """An archive by hand, of one member."""
    crc = zlib.crc32(b"abc")
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 8, 0, 0, 33, 0, 0, 0, 1, 0)
    entry = struct.pack(
        *("<4s6H3L5H2L", b"PK\1\2", 20, 20, 8, 0, 0, 33, crc, 3, 3, 1, 0, 0, 0, 0, 0, 0)
    )
    return with_directory(local + b"a" + b"abc" + descriptor, entry + b"a", 1)


@pytest.mark.parametrize(
    "descriptor", [b"", struct.pack("<LLL", 1, 3, 3), struct.pack("<LLL", zlib.crc32(b"abc"), 3, 4)]
)
def test_another_size_behind_a_member_is_refused(tmp_path: Path, descriptor: bytes) -> None:
    with pytest.raises(ValueError, match="'a' has another size or checksum behind it"):
        check(tmp_path, with_descriptor(descriptor))


def test_large_sizes_before_a_member_are_sound(tmp_path: Path) -> None:
    """As zipfile writes them where it is to make room for any size."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, archive.open("a", "w", force_zip64=True) as a:
        a.write(b"abc")
    content = stream.getvalue()
    assert struct.unpack_from("<LL", content, 18) == (0xFFFFFFFF, 0xFFFFFFFF)
    check(tmp_path, content)
    place = 30 + 1 + 4
    changed = content[:place] + struct.pack("<Q", 4) + content[place + 8 :]
    with pytest.raises(ValueError, match="another size or checksum in the header before it"):
        check(tmp_path, changed)


def test_an_archive_behind_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="directory is not where its end says"):
        check(tmp_path, made() + made())


def test_a_member_that_the_directory_omits_is_refused(tmp_path: Path) -> None:
    members, directory = parts(made())
    second = directory.index(b"PK\1\2", 4)
    with pytest.raises(ValueError, match=r"something else lies before member 'pkg/libops\.so'"):
        check(tmp_path, with_directory(members, directory[second:], len(NAMES) - 1))
    last = directory.rindex(b"PK\1\2")
    with pytest.raises(ValueError, match="something else lies before its directory"):
        check(tmp_path, with_directory(members, directory[:last], len(NAMES) - 1))


def test_what_lies_between_members_and_directory_is_refused(tmp_path: Path) -> None:
    members, directory = parts(made())
    with pytest.raises(ValueError, match="something else lies before its directory"):
        check(tmp_path, with_directory(members + b"X" * 50, directory))


def test_one_member_under_two_names_is_refused(tmp_path: Path) -> None:
    members, directory = parts(made())
    twice = directory + directory[: directory.index(b"PK\1\2", 4)]
    with pytest.raises(ValueError, match="something else lies before member"):
        check(tmp_path, with_directory(members, twice, len(NAMES) + 1))


@pytest.mark.parametrize("count", [0, len(NAMES) - 1, len(NAMES) + 1])
def test_another_count_of_members_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(ValueError, match="another size than it says"):
        check(tmp_path, with_directory(*parts(made()), count))


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (6, b"\x02", "another method or flags"),
        (8, b"\x00", "another method or flags"),
        (14, b"\x00", "another size or checksum"),
        (18, b"\x05", "another size or checksum"),
        (22, b"\x05", "another size or checksum"),
        (30, b"q", "another name in the header"),
    ],
)
def test_a_header_that_says_something_else_is_refused(
    tmp_path: Path, offset: int, value: bytes, reason: str
) -> None:
    content = made()
    assert content[offset : offset + 1] != value
    with pytest.raises(ValueError, match=rf"member 'pkg/__init__\.py' has {reason}"):
        check(tmp_path, content[:offset] + value + content[offset + 1 :])


def test_a_name_in_an_encoding_that_is_not_told_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("pkg/XX.py", b"")
    content = stream.getvalue().replace(b"XX", "é".encode())
    with pytest.raises(ValueError, match="encoding that is not told"):
        check(tmp_path, content)


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (struct.pack("<HHBL", 0x7075, 9, 1, zlib.crc32(b"a")) + b"../b", "another name in an"),
        (struct.pack("<HH", 0x9999, 9), "cut off"),
        (struct.pack("<HH", 0x9999, 0) * 2, "twice"),
    ],
)
@pytest.mark.parametrize("is_local", [True, False])
def test_an_extra_field_that_some_read_otherwise_is_refused(
    tmp_path: Path, extra: bytes, reason: str, *, is_local: bool
) -> None:
    before, after = (extra, b"") if is_local else (b"", extra)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, 1, len(before))
    fields = (20, 20, 0, 0, 0, 33, 0, 0, 0, 1, len(after), 0, 0, 0, 0, 0)
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *fields) + b"a" + after
    # Some of it zipfile turns down itself.
    reason = f"{reason}|Corrupt extra field"
    with pytest.raises((ValueError, zipfile.BadZipFile), match=reason):
        check(tmp_path, with_directory(local + b"a" + before, entry, 1))
