# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from setuptools_tvm_ffi.base.file_replacement import _replacement, new_file, replace_file

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX permissions")

PAST = 1_000_000_000_000_000_000


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.fixture
def umask() -> Iterator[int]:
    mask = 0o027
    before = os.umask(mask)
    yield mask
    os.umask(before)


def test_a_new_file_is_written_with_its_parent_folders(tmp_path: Path) -> None:
    path = tmp_path / "a/b/c.txt"
    assert replace_file(path, b"content\r\n\x00")
    assert path.read_bytes() == b"content\r\n\x00"


def test_a_file_with_other_content_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old and longer")
    assert replace_file(path, b"new")
    assert path.read_bytes() == b"new"


def test_an_empty_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    assert replace_file(path, b"")
    assert path.read_bytes() == b""
    assert not replace_file(path, b"")


@posix_only
def test_a_reader_keeps_the_file_that_it_has_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.so"
    path.write_bytes(b"old" * 10_000)
    with path.open("rb") as reader:
        inode = os.fstat(reader.fileno()).st_ino
        assert replace_file(path, b"new")
        assert reader.read() == b"old" * 10_000
    assert path.stat().st_ino != inode
    assert path.read_bytes() == b"new"


def test_a_file_with_equal_content_keeps_its_time_and_inode(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"same")
    os.utime(path, ns=(PAST, PAST))
    before = path.stat()
    assert not replace_file(path, b"same")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (PAST, before.st_ino)


@posix_only
def test_equal_content_may_get_another_mode_and_keeps_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"same")
    path.chmod(0o600)
    os.utime(path, ns=(PAST, PAST))
    assert not replace_file(path, b"same", mode=0o755)
    assert mode_of(path) == 0o755
    assert path.stat().st_mtime_ns == PAST


@posix_only
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
@pytest.mark.parametrize("existing", [None, 0o640])
def test_the_given_mode_is_set(tmp_path: Path, mode: int, existing: int | None) -> None:
    path = tmp_path / "a.txt"
    if existing is not None:
        path.write_bytes(b"old")
        path.chmod(existing)
    replace_file(path, b"new", mode=mode)
    assert mode_of(path) == mode


@posix_only
def test_without_a_mode_an_existing_file_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    path.chmod(0o751)
    replace_file(path, b"new")
    assert mode_of(path) == 0o751


@posix_only
def test_without_a_mode_a_new_file_gets_the_permissions_of_the_umask(
    tmp_path: Path, umask: int
) -> None:
    replace_file(tmp_path / "a.txt", b"new")
    assert mode_of(tmp_path / "a.txt") == 0o666 & ~umask
    with new_file(tmp_path / "b.txt") as stream:
        stream.write(b"new")
    assert mode_of(tmp_path / "b.txt") == 0o666 & ~umask


def test_the_umask_of_the_process_is_never_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A child process that another thread starts would inherit the changed umask.
    changes: list[int] = []

    def umask(mask: int) -> int:
        changes.append(mask)
        return 0o022

    monkeypatch.setattr(os, "umask", umask)
    replace_file(tmp_path / "a.txt", b"new")
    replace_file(tmp_path / "a.txt", b"newer", mode=0o600)
    with new_file(tmp_path / "b.txt") as stream:
        stream.write(b"new")
    assert changes == []


@posix_only
def test_the_temporary_file_of_a_private_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    path.chmod(0o600)
    seen: list[int] = []
    with _replacement(path, 0o600) as stream:
        seen += [mode_of(file) for file in tmp_path.iterdir()]
        stream.write(b"new")
    assert seen == [0o600, 0o600]
    assert mode_of(path) == 0o600


@pytest.mark.parametrize("existing", [None, b"old"])
def test_a_failure_leaves_the_old_file_and_no_temporary_one(
    tmp_path: Path, existing: bytes | None
) -> None:
    path = tmp_path / "a.txt"
    if existing is not None:
        path.write_bytes(existing)
    content: Any = "text cannot be written as bytes"
    with pytest.raises(TypeError):
        replace_file(path, content)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == (
        [] if existing is None else [existing]
    )


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on file sizes")
def test_a_disk_that_is_full_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    import resource  # noqa: PLC0415 - POSIX only

    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            replace_file(path, b"x" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [file.name for file in tmp_path.iterdir()] == ["a.bin"]
    assert path.read_bytes() == b"old"


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        replace_file(tmp_path / "folder", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_a_new_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with new_file(path) as stream:
        stream.write(b"one ")
        assert not path.exists()
        stream.write(b"two")
    assert path.read_bytes() == b"one two"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write() -> None:
        with new_file(path) as stream:
            stream.write(b"new")
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
