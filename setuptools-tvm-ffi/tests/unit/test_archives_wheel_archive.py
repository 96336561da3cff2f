# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Union

import pytest
from made_wheels import write_wheel
from setuptools_tvm_ffi.archives import wheel_archive
from setuptools_tvm_ffi.archives.wheel_archive import open_wheel
from setuptools_tvm_ffi.base.errors import BuildError

Entry = Union[str, zipfile.ZipInfo]


def wheel_with(folder: Path, *entries: tuple[Entry, bytes]) -> Path:
    """Return a valid wheel with additional entries."""
    wheel = write_wheel(folder, {"pkg/__init__.py": b""})
    with zipfile.ZipFile(wheel, "a", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries:
            if isinstance(entry, zipfile.ZipInfo):
                archive.writestr(entry, content, compress_type=entry.compress_type)
            else:
                archive.writestr(entry, content)
    return wheel


def read_all(wheel: Path) -> None:
    with open_wheel(wheel) as archive:
        for name in archive.members:
            archive.read(name)


def refusal(wheel: Path) -> str:
    with pytest.raises(BuildError) as caught:
        read_all(wheel)
    return caught.value.message


def test_a_valid_wheel_is_read(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, {"pkg/a.txt": b"a" * 5}, requires=("apache-tvm-ffi>=0.1.9",))
    with open_wheel(wheel) as archive:
        assert archive.name == "pkg"
        assert {str(tag) for tag in archive.tags} == {"py3-none-any"}
        assert archive.dist_info == "pkg-1.0.dist-info"
        assert list(archive.members)[-2:] == ["pkg/a.txt", "pkg-1.0.dist-info/RECORD"]
        assert archive.read("pkg/a.txt") == b"aaaaa"
        assert archive.headers("METADATA").get_all("Requires-Dist") == ["apache-tvm-ffi>=0.1.9"]
        assert archive.headers("WHEEL").get_all("Tag") == ["py3-none-any"]
        assert archive.in_dist_info("RECORD") is not None
        assert archive.in_dist_info("entry_points.txt") is None


@pytest.mark.parametrize("name", ["METADATA", "WHEEL"])
def test_the_body_of_metadata_is_not_parsed(tmp_path: Path, name: str) -> None:
    """The body contains nested MIME parts. An e-mail parser would recurse into them."""
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (depth, depth)
        for depth in range(2000)
    )
    wheel = write_wheel(tmp_path, {f"pkg-1.0.dist-info/{name}": b"Tag: a\n" + nested})
    with open_wheel(wheel) as archive:
        assert archive.headers(name).get_all("Tag") == ["a"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/self/statm")
def test_reading_a_member_needs_one_copy_in_memory(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, ("pkg/zeros", bytes(40 << 20)))
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from setuptools_tvm_ffi.archives.wheel_archive import open_wheel\n"
        "with open_wheel(Path(sys.argv[1])) as archive:\n"
        "    used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "    limit = used + (60 << 20)\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "    print(len(archive.read('pkg/zeros')))\n"
    )
    command = [sys.executable, "-c", program, wheel]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == f"{40 << 20}\n", done.stderr


def test_folder_entries_are_not_members(tmp_path: Path) -> None:
    with open_wheel(wheel_with(tmp_path, ("pkg/data/", b""))) as archive:
        assert "pkg/data/" not in archive.members


def test_compressed_tag_sets_are_expanded(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, {}, tag="py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64")
    with open_wheel(wheel) as archive:
        platforms = {tag.platform for tag in archive.tags}
    assert platforms == {"manylinux2014_x86_64", "manylinux_2_17_x86_64"}


@pytest.mark.parametrize("name", ["pkg.whl", "pkg-1.0.zip", "pkg-1.0-py3-none.whl", "pkg-x-y-z-.w"])
def test_an_invalid_wheel_file_name_is_rejected(tmp_path: Path, name: str) -> None:
    shutil.copy(write_wheel(tmp_path, {}), tmp_path / name)
    with pytest.raises(BuildError, match=r"(?s)whl.*named distribution-version-python-abi-"):
        read_all(tmp_path / name)


@pytest.mark.parametrize("name", ["pkg-1.0-py3-none-any.whl", "*.whl"])
def test_a_missing_file_is_reported(tmp_path: Path, name: str) -> None:
    """In an empty folder, shells pass patterns unchanged."""
    assert "No such file or directory" in refusal(tmp_path / name)


def test_a_folder_named_like_a_wheel_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "pkg-1.0-py3-none-any.whl").mkdir()
    assert "directory" in refusal(tmp_path / "pkg-1.0-py3-none-any.whl")


@pytest.mark.parametrize("content", [b"", b"text", b"\x7fELF" + bytes(100), b"PK\x03\x04"])
def test_a_file_that_is_not_a_zip_archive_is_rejected(tmp_path: Path, content: bytes) -> None:
    wheel = tmp_path / "pkg-1.0-py3-none-any.whl"
    wheel.write_bytes(content)
    assert "zip archive" in refusal(wheel)


def test_a_truncated_wheel_is_rejected(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, ("pkg/libops.so", bytes(range(256))))
    whole = wheel.read_bytes()
    for length in range(0, len(whole), 41):
        wheel.write_bytes(whole[:length])
        assert "zip archive" in refusal(wheel)


def test_a_changed_byte_never_causes_a_traceback(
    tmp_path: Path,
) -> None:
    wheel = wheel_with(tmp_path, ("pkg/libops.so", bytes(range(256))))
    whole = wheel.read_bytes()
    refused = 0
    for position in range(0, len(whole), 7):
        wheel.write_bytes(
            whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :]
        )
        try:
            read_all(wheel)
        except BuildError:
            refused += 1
    assert refused > len(whole) // 7 // 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../outside.txt", "contains '..'"),
        ("pkg/../../outside.txt", "contains '..'"),
        ("/etc/passwd", "absolute"),
        ("C:/Windows/x.dll", "absolute"),
        ("c:x.dll", "absolute"),
        ("pkg/a.py:stream", "contains a colon"),
        ("..\\outside.txt", "backslash"),
        ("pkg\\a.txt", "backslash"),
        ("pkg//a.txt", "empty or"),
        ("./pkg/a.txt", "empty or"),
        ("pkg/a\x1b[31m.txt", "control character"),
        ("p" * 2000, "too long"),
    ],
)
def test_an_unsafe_member_name_is_rejected(tmp_path: Path, name: str, reason: str) -> None:
    assert reason in refusal(wheel_with(tmp_path, (name, b"")))


def test_a_member_name_with_a_null_byte_is_rejected(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, ("pkg/aXb.py", b""))
    wheel.write_bytes(wheel.read_bytes().replace(b"pkg/aXb.py", b"pkg/a\x00b.py"))
    assert "control character" in refusal(wheel)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_member_names_are_rejected(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, ("pkg/a.py", b"1"), ("pkg/a.py", b"2"))
    assert "2 members are named 'pkg/a.py'" in refusal(wheel)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_link_or_device_is_rejected(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo("pkg/link")
    entry.external_attr = (kind | 0o777) << 16
    assert "is a link" in refusal(wheel_with(tmp_path, (entry, b"/etc/passwd")))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bzip2_and_lzma_are_rejected(tmp_path: Path, method: int) -> None:
    entry = zipfile.ZipInfo("pkg/a")
    entry.compress_type = method
    assert "deflate" in refusal(wheel_with(tmp_path, (entry, bytes(1000))))


def change_header(wheel: Path, name: bytes, offset: int, value: bytes) -> None:
    """Change a field of a member in the central directory and in the member's local header.

    :param offset: the offset in the directory entry. The local header lacks one earlier field.
    """
    content = bytearray(wheel.read_bytes())
    for place, signature in (
        (content.rindex(name) - 46, b"PK\x01\x02"),
        (content.index(name) - 30, b"PK\x03\x04"),
    ):
        assert content[place : place + 4] == signature
        start = place + offset - (2 if signature == b"PK\x03\x04" else 0)
        content[start : start + len(value)] = value
    wheel.write_bytes(content)


def test_an_encrypted_member_is_rejected(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, ("pkg/secret", b"1"))
    change_header(wheel, b"pkg/secret", 8, struct.pack("<H", 1))
    assert "encrypted" in refusal(wheel)


def test_a_wrong_checksum_is_rejected(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, ("pkg/damaged", b"1"))
    change_header(wheel, b"pkg/damaged", 16, bytes(4))
    assert "'pkg/damaged' cannot be read: Bad CRC-32" in refusal(wheel)


def test_a_member_larger_than_its_declared_size_is_rejected(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, ("pkg/long", b"1" * 100))
    change_header(wheel, b"pkg/long", 24, struct.pack("<L", 50))
    assert "'pkg/long' cannot be read" in refusal(wheel)


def test_a_member_with_a_huge_declared_size_is_rejected_unread(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, ("pkg/huge", b"1"))
    change_header(wheel, b"pkg/huge", 24, struct.pack("<L", 0xFFFFFFF0))
    assert "more than 1024 MiB" in refusal(wheel)


def test_an_archive_with_a_high_compression_ratio_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel_archive, "MAX_SMALL_TOTAL", 100_000)
    assert "bytes would unpack to 200" in refusal(
        wheel_with(tmp_path, ("pkg/zeros", bytes(200_000)))
    )


def test_an_archive_that_deflates_well_below_the_limit_is_read(tmp_path: Path) -> None:
    with open_wheel(wheel_with(tmp_path, ("pkg/zeros", bytes(200_000)))) as archive:
        assert archive.read("pkg/zeros") == bytes(200_000)


def test_too_many_members_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel_archive, "MAX_MEMBERS", 10)
    wheel = wheel_with(tmp_path, *((f"pkg/{n}", b"") for n in range(10)))
    assert "more than 10 members" in refusal(wheel)


def test_a_wheel_without_files_is_rejected(tmp_path: Path) -> None:
    wheel = tmp_path / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pkg/", "")
    assert "no .dist-info" in refusal(wheel)


def test_a_wheel_without_dist_info_is_rejected(tmp_path: Path) -> None:
    wheel = tmp_path / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pkg/__init__.py", "")
    assert "no .dist-info" in refusal(wheel)


def test_a_wheel_with_two_dist_info_folders_is_rejected(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path, ("other-1.0.dist-info/METADATA", b""))
    assert "several .dist-info folders" in refusal(wheel)


def test_members_are_extracted_with_their_permissions(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("pkg/sub/run")
    entry.external_attr = (stat.S_IFREG | 0o777) << 16
    with open_wheel(wheel_with(tmp_path, (entry, b"1"), ("pkg/b", b"2"))) as archive:
        files = archive.extract(["pkg/sub/run", "pkg/b"], tmp_path / "out")
    assert files == [tmp_path / "out/pkg/sub/run", tmp_path / "out/pkg/b"]
    assert [file.read_bytes() for file in files] == [b"1", b"2"]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o755, 0o644]


def deflated_zeros(size: int) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = compressor.compress(bytes(1024 * 1024)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return block * (size // (1024 * 1024)) + compressor.flush()


@pytest.mark.skipif(sys.platform == "win32", reason="processes have no address space limit there")
@pytest.mark.parametrize("said", [0xF0000000, 100 * 1024 * 1024, 10])
def test_a_zip_bomb_is_rejected_with_little_memory(tmp_path: Path, said: int) -> None:
    """A member contains a gigabyte of zeros and declares another size."""
    wheel = wheel_with(tmp_path, ("pkg/bomb", b"1" * 100_000))
    content = wheel.read_bytes()
    start = content.index(b"pkg/bomb") + len(b"pkg/bomb")
    old = zlib.compressobj(-1, zlib.DEFLATED, -15)
    old_length = len(old.compress(b"1" * 100_000) + old.flush())
    body = deflated_zeros(1024**3)
    content = content[:start] + body + content[start + old_length :]
    end = len(content) - 22
    directory = struct.unpack_from("<L", content, end + 16)[0] + len(body) - old_length
    wheel.write_bytes(content[: end + 16] + struct.pack("<L", directory) + content[end + 20 :])
    change_header(wheel, b"pkg/bomb", 20, struct.pack("<LL", len(body), said))
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))\n"
        "from pathlib import Path\n"
        "from setuptools_tvm_ffi.archives.wheel_archive import open_wheel\n"
        "from setuptools_tvm_ffi.base.errors import BuildError\n"
        "try:\n"
        "    with open_wheel(Path(sys.argv[1])) as archive: archive.read('pkg/bomb')\n"
        "except BuildError as problem: print('refused', problem)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, wheel],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.startswith("refused"), done.stderr
