# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from setuptools_tvm_ffi.project.unshipped_files import (
    not_sources,
    package_data_patterns,
    tracked_files,
    unshipped_files,
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def create(*names: str) -> list[Path]:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return [Path(name) for name in names]


def found(*packages: str, shipped: tuple[str, ...] = ()) -> list[str]:
    folders = {Path(package): package.replace("/", ".") for package in packages}
    return [file.as_posix() for file in unshipped_files(folders, set(map(Path, shipped)))]


def test_files_that_are_not_shipped_are_found_in_all_subfolders() -> None:
    create("pkg/__init__.py", "pkg/a.json", "pkg/jit.cuh", "pkg/sub/b.txt", "pkg/d-1/c", "csrc/a.h")
    missing = ["pkg/a.json", "pkg/jit.cuh", "pkg/d-1/c", "pkg/sub/b.txt"]
    assert found("pkg", shipped=("pkg/__init__.py",)) == missing
    assert found("pkg", "pkg/sub", shipped=("pkg/__init__.py",)) == missing


@pytest.mark.parametrize(
    "name",
    [
        *("tests/a.json", "sub/tests/a.json", "docs/a.txt", "__pycache__/a.pyc", ".cache/a.json"),
        *(".gitignore", "README.md", "notes.rst", "LICENSE", "LICENSE.txt", "CMakeLists.txt"),
        *("sub/Makefile", "find.cmake"),
    ],
)
def test_files_that_a_package_rarely_needs_are_skipped(name: str) -> None:
    create(f"pkg/{name}")
    assert found("pkg") == []


def test_a_package_in_the_folder_of_the_project_is_skipped() -> None:
    create("a.json", "pkg/b.json")
    assert found(".", "pkg") == ["pkg/b.json"]


def test_sources_and_their_folders_are_skipped() -> None:
    files = create("pkg/jit.cuh", "pkg/csrc/table.json", "pkg/csrc/deep/b.h", "pkg/data/c.h")
    files += create("pkg/ops.cc")
    create("pkg/__init__.py")
    sources = [Path("pkg/csrc/ops.cc"), Path("pkg/ops.cc")]
    assert not_sources(files, sources) == [Path("pkg/jit.cuh"), Path("pkg/data/c.h")]


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def test_only_tracked_files_are_kept(project: Path) -> None:
    files = create("pyproject.toml", "pkg/a.json", "pkg/prebuilt.so", "pkg/scratch.json")
    git("init")
    git("add", "pyproject.toml", "pkg/a.json", "pkg/prebuilt.so")
    assert tracked_files(files[1:], project) == files[1:3]


@pytest.mark.parametrize("inside", [False, True])
def test_all_files_but_generated_files_are_kept_without_a_repository(
    inside: bool,  # noqa: FBT001
    project: Path,
) -> None:
    files = create("pkg/a.json", "pkg/libops.so", "pkg/scratch.json")
    create("pyproject.toml", "other")
    if inside:  # The repository does not contain the project, as a home folder may not.
        git("init")
        git("add", "other")
    assert tracked_files(files, project) == [files[0], files[2]]


def test_a_name_of_a_folder_is_not_a_pattern_of_git(project: Path) -> None:
    files = create("pyproject.toml", "[p]kg/a.json", "pkg/b.json")
    git("init")
    git("--literal-pathspecs", "add", *map(str, files))
    assert tracked_files(files[1:], project) == files[1:]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["pkg/a.json"], ("a.json",)),
        (["pkg/a.json", "pkg/b.json", "pkg/c.txt"], ("*.json", "c.txt")),
        (["pkg/d/a.json", "pkg/b.json"], ("b.json", "d/a.json")),
        (["pkg/table", "pkg/other"], ("other", "table")),
    ],
)
def test_patterns_are_relative_to_the_package(names: list[str], expected: tuple[str, ...]) -> None:
    assert package_data_patterns(map(Path, names), Path("pkg")) == expected
