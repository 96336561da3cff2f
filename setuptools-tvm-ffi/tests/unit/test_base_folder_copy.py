# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from setuptools_tvm_ffi.base.folder_copy import everything_in, mirror


def make(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def test_files_with_and_without_a_suffix_are_copied(tmp_path: Path) -> None:
    source = make(tmp_path / "source", {"b.h": "b", "deep/c/array": "c"})
    assert mirror(source, tmp_path / "copy") == ["b.h", "deep/c/array"]
    assert (tmp_path / "copy" / "deep" / "c" / "array").read_text() == "c"


def test_equal_files_keep_their_time_stamps(tmp_path: Path) -> None:
    source, copy = make(tmp_path / "source", {"a.h": "1", "b.h": "1"}), tmp_path / "copy"
    mirror(source, copy)
    before = {name: (copy / name).stat().st_mtime_ns for name in ("a.h", "b.h")}
    (source / "a.h").write_text("2")
    mirror(source, copy)
    assert (copy / "a.h").read_text() == "2"
    assert (copy / "b.h").stat().st_mtime_ns == before["b.h"]


def test_removed_files_and_files_that_become_folders_are_replaced(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    mirror(make(tmp_path / "one", {"a.h": "", "b": "", "c/d.h": ""}), copy)
    assert mirror(make(tmp_path / "two", {"b/e.h": "", "c": ""}), copy) == ["b/e.h", "c"]
    assert {path.name for path in copy.rglob("*")} == {"b", "e.h", "c"}


def test_links_to_folders_are_followed(tmp_path: Path) -> None:
    source = make(tmp_path / "source", {"a.h": ""})
    make(tmp_path / "elsewhere", {"b.h": "b"})
    (source / "linked").symlink_to("../elsewhere")
    assert mirror(source, tmp_path / "copy") == ["a.h", "linked/b.h"]
    assert not (tmp_path / "copy" / "linked").is_symlink()
    names = [str(source), *(f"{source}/{name}" for name in ("a.h", "linked", "linked/b.h"))]
    assert [*everything_in([str(source)])] == names
