# SPDX-License-Identifier: Apache-2.0
"""Tests of compressed members of wheels, and of the folder that keeps them."""

from __future__ import annotations

import concurrent.futures
import functools
import io
import random
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from setuptools_tvm_ffi.archives import deflate
from setuptools_tvm_ffi.archives.deflate import DeflateCache, deflate_members, deflated

_MIB = 2**20


def _content(size: int, seed: int = 0) -> bytes:
    """Return bytes that deflate compresses to about half."""
    return bytes(random.Random(seed).choices(b"0123456789abcdef", k=size))


CONTENTS = {
    "pkg/__init__.py": b"",
    "pkg/small.so": _content(2**16 - 1, 1),
    "pkg/medium.so": _content(2**16, 2),
    "pkg/large.so": _content(2 * _MIB + 17, 3),
    "pkg/parts.so": _content(2 * _MIB, 4),
}


def _stored(path: Path, contents: dict[str, bytes] = CONTENTS) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6))
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, content)
    return path


def _no_compression(_content: bytes) -> bytes:
    pytest.fail("a kept member was compressed again")


@pytest.mark.parametrize("size", [0, 1, _MIB - 1, _MIB, _MIB + 1, 3 * _MIB])
def test_a_stream_has_the_content(size: int) -> None:
    content = _content(size)
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    assert decompressor.decompress(deflated(content)) == content
    assert decompressor.eof
    assert not decompressor.unused_data


def test_the_stream_is_the_same_for_any_number_of_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = concurrent.futures.ThreadPoolExecutor
    made = set()
    for workers in (1, 2, 7):
        limited = functools.partial(pool, max_workers=workers)
        monkeypatch.setattr(concurrent.futures, "ThreadPoolExecutor", limited)
        made.add(deflated(CONTENTS["pkg/large.so"]))
    assert len(made) == 1


def test_members_are_compressed_and_keep_their_attributes(tmp_path: Path) -> None:
    wheel = _stored(tmp_path / "a.whl")
    deflate_members(wheel, tmp_path / "kept")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == CONTENTS
        assert archive.namelist() == list(CONTENTS)
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_DEFLATED
            assert entry.date_time == (2020, 1, 2, 3, 4, 6)
            assert entry.external_attr == 0o100755 << 16
            if entry.file_size >= 2**16:
                assert entry.compress_size == len(deflated(CONTENTS[entry.filename]))
                assert entry.compress_size < 0.7 * entry.file_size


@pytest.mark.skipif(not shutil.which("unzip"), reason="unzip is missing")
def test_unzip_reads_the_members(tmp_path: Path) -> None:
    wheel = _stored(tmp_path / "a.whl")
    deflate_members(wheel, tmp_path / "kept")
    subprocess.run(["unzip", "-t", str(wheel)], check=True, stdout=subprocess.PIPE)


def test_up_to_one_part_members_are_those_of_zipfile(tmp_path: Path) -> None:
    contents = {"small": _content(99), "medium": _content(2**17), "part": _content(_MIB)}
    wheel = _stored(tmp_path / "a.whl", contents)
    deflate_members(wheel, tmp_path / "kept")
    expected = io.BytesIO()
    with zipfile.ZipFile(expected, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6))
            entry.external_attr = 0o100755 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    assert wheel.read_bytes() == expected.getvalue()


def test_large_members_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept"
    first = _stored(tmp_path / "a.whl")
    deflate_members(first, kept)
    assert len(list(kept.iterdir())) == 3
    monkeypatch.setattr(deflate, "deflated", _no_compression)
    second = _stored(tmp_path / "b.whl")
    deflate_members(second, kept)
    assert first.read_bytes() == second.read_bytes()


def test_members_that_a_wheel_lacks_are_removed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    deflate_members(_stored(tmp_path / "a.whl"), kept)
    before = {file.name for file in kept.iterdir()}
    changed = {**CONTENTS, "pkg/large.so": _content(_MIB, 5)}
    (kept / ".of-a-killed-build").write_bytes(b"")
    deflate_members(_stored(tmp_path / "b.whl", changed), kept)
    after = {file.name for file in kept.iterdir()}
    assert len(after) == 3
    assert len(before & after) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda stream: stream[:0],
        lambda stream: stream[:3],
        lambda stream: stream[:-1],
        lambda stream: stream[: len(stream) // 2],
        lambda stream: bytes([stream[0] ^ 1]) + stream[1:],
        lambda stream: stream + b"x",
    ],
    ids=["empty", "few bytes", "last byte missing", "half", "one bit", "longer"],
)
def test_a_corrupt_file_is_replaced(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    content = CONTENTS["pkg/large.so"]
    DeflateCache(tmp_path).deflated(content)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert DeflateCache(tmp_path).deflated(content) == deflated(content)
    assert file.read_bytes() == whole


def test_another_zlib_compresses_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    DeflateCache(tmp_path).deflated(b"content")
    monkeypatch.setattr(zlib, "ZLIB_RUNTIME_VERSION", "1.3.1.other")
    monkeypatch.setattr(deflate, "deflated", lambda _: b"other stream")
    assert DeflateCache(tmp_path).deflated(b"content") == b"other stream"
