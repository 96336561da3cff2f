# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from setuptools_tvm_ffi.archives.sdist_archive import pack

DATE = 1600000001
NAMES = [
    "pkg-1.0",
    "pkg-1.0/a",
    "pkg-1.0/b.txt",
    "pkg-1.0/empty",
    "pkg-1.0/a/run.sh",
    f"pkg-1.0/a/{'long' * 40}",
    "pkg-1.0/a/ü",
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "one", umask=0o022, order=1)


def make_tree(folder: Path, *, umask: int, order: int) -> Path:
    tree = folder / "pkg-1.0"
    before = os.umask(umask)
    try:
        for name in NAMES[::order]:
            path = folder / name
            if path.name in {"pkg-1.0", "a", "empty"}:
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"content of {name}")
            if path.suffix == ".sh":
                path.chmod(0o777 & ~umask)
    finally:
        os.umask(before)
    return tree


def test_another_folder_umask_order_and_time_of_files_give_the_same_bytes(
    tree: Path, tmp_path: Path
) -> None:
    other = make_tree(tmp_path / "a" / "deeper one", umask=0o077, order=-1)
    for parent, folders, files in os.walk(other):
        for name in (*folders, *files):
            os.utime(Path(parent, name), (1, 1))
    assert pack(tree, DATE) == pack(other, DATE)
    assert pack(tree, DATE) != pack(tree, DATE + 2)


def test_entries_are_sorted_for_any_order_of_the_file_system(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listdir = os.listdir
    # No available file system returns names in this order, so simulate one.
    monkeypatch.setattr(os, "listdir", lambda folder: sorted(listdir(folder), reverse=True))
    with tarfile.open(fileobj=io.BytesIO(pack(tree, DATE))) as archive:
        names = archive.getnames()
    assert names == sorted(names)
    assert {"pkg-1.0/a", "pkg-1.0/a/run.sh", "pkg-1.0/b.txt", "pkg-1.0/empty"} < set(names)


def test_a_link_is_packed_as_a_file_with_its_content(tree: Path) -> None:
    os.link(tree / "b.txt", tree / "hard.txt")
    (tree / "soft.txt").symlink_to("b.txt")
    with tarfile.open(fileobj=io.BytesIO(pack(tree, DATE))) as archive:
        for name in ("b.txt", "hard.txt", "soft.txt"):
            assert archive.getmember(f"pkg-1.0/{name}").isreg()
            read = archive.extractfile(f"pkg-1.0/{name}")
            assert read is not None
            assert read.read() == (tree / "b.txt").read_bytes()


def test_a_tar_contains_every_file_and_no_user_name(tree: Path) -> None:
    content = pack(tree, DATE)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        entries = archive.getmembers()
        read = archive.extractfile("pkg-1.0/a/ü")
        assert read is not None
        assert read.read().decode() == "content of pkg-1.0/a/ü"
    assert sorted(entry.name for entry in entries) == sorted(NAMES)
    assert {(e.uid, e.gid, e.uname, e.gname, e.mtime) for e in entries} == {(0, 0, "", "", DATE)}
    modes = {entry.name: entry.mode for entry in entries}
    assert modes["pkg-1.0/a/run.sh"] == 0o755
    assert modes["pkg-1.0/b.txt"] == 0o644
    assert modes["pkg-1.0/empty"] == 0o755


def test_each_folder_precedes_its_contents(tree: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(pack(tree, DATE))) as archive:
        names = archive.getnames()
    for name in names[1:]:
        assert names.index(str(Path(name).parent)) < names.index(name)


def test_a_gzip_header_holds_the_time_and_no_name(tree: Path) -> None:
    content = pack(tree, DATE)
    assert int.from_bytes(content[4:8], "little") == DATE
    assert content[3] == 0  # no flag: no name, no comment


@pytest.mark.parametrize("date", [0, 2**32 - 1])
def test_the_first_and_the_last_time_can_be_packed(tree: Path, date: int) -> None:
    with tarfile.open(fileobj=io.BytesIO(pack(tree, date))) as archive:
        assert {entry.mtime for entry in archive} == {date}
