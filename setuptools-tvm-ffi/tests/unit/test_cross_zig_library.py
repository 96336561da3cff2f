# SPDX-License-Identifier: Apache-2.0
"""All environments share one copy of Zig's library, with or without hard links."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from setuptools_tvm_ffi.cross.zig_library import keep_library


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "environment" / "lib"
    (folder / "libcxx").mkdir(parents=True)
    (folder / "libcxx" / "new.cpp").write_text("source")
    return folder


def test_the_copy_consists_of_hard_links(library: Path, tmp_path: Path) -> None:
    kept = keep_library(library, "0.17.1", tmp_path / "cache")
    assert kept == tmp_path / "cache" / "zig-0.17.1"
    assert kept.joinpath("libcxx", "new.cpp").samefile(library / "libcxx" / "new.cpp")


def test_a_second_environment_uses_the_copy_of_the_first(library: Path, tmp_path: Path) -> None:
    first = keep_library(library, "0.17.1", tmp_path / "cache")
    file = first / "libcxx" / "new.cpp"
    state = file.stat()
    other = tmp_path / "other" / "lib"
    shutil.copytree(library, other)
    # pip compiles Python files there, and the bytecode contains the path of the environment.
    (other / "libcxx" / "__pycache__").mkdir()
    (other / "libcxx" / "__pycache__" / "printers.pyc").touch()
    assert keep_library(other, "0.17.1", tmp_path / "cache") == first
    # Other programs, such as a backup, may read the file and change its access time.
    assert (file.stat().st_ino, file.stat().st_ctime_ns) == (state.st_ino, state.st_ctime_ns)
    assert list((tmp_path / "cache").iterdir()) == [first]


def test_each_release_has_its_own_copy(library: Path, tmp_path: Path) -> None:
    folders = {keep_library(library, version, tmp_path) for version in ("0.17.1", "0.17.2")}
    assert {folder.name for folder in folders} == {"zig-0.17.1", "zig-0.17.2"}


def test_without_hard_links_the_files_are_copied(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    file = keep_library(library, "0.17.1", tmp_path / "cache") / "libcxx" / "new.cpp"
    assert file.read_text() == "source"
    assert not file.samefile(library / "libcxx" / "new.cpp")


def test_a_copy_of_a_faster_build_is_used(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "cache" / "zig-0.17.1"
    rename = os.rename

    def be_slow(source: str | Path, destination: str | Path) -> None:
        shutil.copytree(library, kept)
        rename(source, destination)

    monkeypatch.setattr(os, "rename", be_slow)
    assert keep_library(library, "0.17.1", tmp_path / "cache") == kept
    assert not (kept / "libcxx" / "new.cpp").samefile(library / "libcxx" / "new.cpp")
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize("change", ["deleted", "changed"])
def test_an_incomplete_copy_is_replaced(library: Path, tmp_path: Path, change: str) -> None:
    kept = keep_library(library, "0.17.1", tmp_path / "cache")
    (kept / "libcxx" / "new.cpp").unlink()
    if change == "changed":
        (kept / "libcxx" / "new.cpp").write_text("of another release")
    assert keep_library(library, "0.17.1", tmp_path / "cache") == kept
    assert (kept / "libcxx" / "new.cpp").read_text() == "source"
    assert list(kept.parent.iterdir()) == [kept]


def test_without_disk_space_the_original_is_used(
    library: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("no folder")
    caplog.set_level("INFO")
    assert keep_library(library, "0.17.1", tmp_path / "cache") == library
    assert "cannot cache" in caplog.text
    assert str(tmp_path / "cache") in caplog.text
    assert (tmp_path / "cache").read_text() == "no folder"


def test_a_vanishing_scratch_folder_does_not_prevent_caching(library: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    # Another build deletes its scratch folder between the listing and the `stat`.
    (cache / ".zig-0.17.1.gone").symlink_to(tmp_path / "nowhere")
    assert keep_library(library, "0.17.1", cache) == cache / "zig-0.17.1"


def test_a_left_over_scratch_folder_is_removed_after_a_day(library: Path, tmp_path: Path) -> None:
    for name, hours in {".zig-0.17.1.old": 25, ".zig-0.17.1.new": 23}.items():
        (tmp_path / "cache" / name).mkdir(parents=True)
        then = time.time() - hours * 3600
        os.utime(tmp_path / "cache" / name, (then, then))
    keep_library(library, "0.17.1", tmp_path / "cache")
    names = {path.name for path in (tmp_path / "cache").iterdir()}
    assert names == {".zig-0.17.1.new", "zig-0.17.1"}


def test_releases_that_no_build_has_used_for_long_are_removed(
    library: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    os.utime(library, (0, 0))  # an installer may preserve timestamps of an archive
    for version in ("0.15.1", "0.16.0", "0.17.0"):
        keep_library(library, version, cache)
    for version, days in {"0.15.1": 61, "0.16.0": 59, "0.17.0": 61}.items():
        then = time.time() - days * 24 * 3600
        os.utime(cache / f"zig-{version}", (then, then))
    keep_library(library, "0.17.0", cache)  # a build uses it
    assert (cache / "zig-0.15.1").is_dir()  # releases are only removed when a release is added
    keep_library(library, "0.17.1", cache)
    names = {path.name for path in cache.iterdir()}
    assert names == {"zig-0.16.0", "zig-0.17.0", "zig-0.17.1"}
