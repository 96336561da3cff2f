# SPDX-License-Identifier: Apache-2.0
"""Incremental builds repeat only the necessary compile, link and stub steps."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from environments import Environment, make_environment
from sample_projects import Project, ProjectFactory


def steps(printed: str) -> set[str]:
    """The steps that ninja announced, and whether the build generated stubs."""
    found = set(re.findall(r"^\s*\[\d+/\d+\] (.*?)\s*$", printed, re.MULTILINE))
    return found | set(re.findall(r"generated stubs", printed))


def rebuild(project: Project) -> set[str]:
    process = project.build()
    return steps(process.stdout + process.stderr)


ALL = {"compile csrc/functions.cc", "compile csrc/point.cc", "link libsmall.so", "generated stubs"}


@pytest.fixture
def small(project: ProjectFactory) -> Project:
    built: Project = project("small")
    assert rebuild(built) == ALL
    return built


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_an_unchanged_tree_compiles_links_and_generates_nothing(small: Project) -> None:
    small.build(SOURCE_DATE_EPOCH="1700000000")
    wheel = small.wheel.read_bytes()
    process = small.build(SOURCE_DATE_EPOCH="1700000000")
    assert steps(process.stdout + process.stderr) == set()
    assert small.wheel.read_bytes() == wheel


def test_a_changed_header_recompiles_only_sources_that_include_it(small: Project) -> None:
    change(small.folder / "csrc" / "only_point.h", "x / 2", "x * 0.5")
    assert rebuild(small) == ALL - {"compile csrc/functions.cc"}
    change(small.folder / "csrc" / "shared.h", "return 1", "return 2")
    assert rebuild(small) == ALL


@pytest.mark.long
def test_a_changed_setting_recompiles(small: Project) -> None:
    small.edit("setup.py", "include_dirs=", 'define_macros=[("SOMETHING", "1")], include_dirs=')
    assert rebuild(small) >= ALL - {"generated stubs"}


@pytest.mark.long
def test_a_deleted_source_is_removed_from_the_library(small: Project) -> None:
    (small.folder / "csrc" / "point.cc").unlink()
    assert rebuild(small) == {"link libsmall.so", "generated stubs"}
    assert "class Point" not in small.read("small_pkg/_ffi_api.py")


@pytest.mark.long
def test_a_renamed_target_leaves_no_library_of_the_old_name_in_the_wheel(small: Project) -> None:
    small.edit("setup.py", "small_pkg.small", "small_pkg.renamed")
    rebuild(small)
    libraries = {name for name in small.names() if name.endswith(".so")}
    assert libraries == {"small_pkg/librenamed.so"}


def test_a_wheel_has_only_files_that_its_build_wrote(small: Project) -> None:
    package, saved = small.folder / "small_pkg", small.folder / "saved"
    (package / "deleted.py").write_text("x = 1\n")
    (package / "edited.py").write_text("x = 1\n")
    small.build()
    (package / "deleted.py").unlink()
    # `mv` preserves the timestamp. It is older than the timestamp of the replaced file.
    saved.write_text("x = 2\n")
    os.utime(saved, (1, 1))
    saved.replace(package / "edited.py")
    (build_lib,) = (small.folder / "build").glob("lib*")
    # A killed build leaves such files.
    (build_lib / "small_pkg" / ".libsmall.so.0123abcd").write_bytes(b"half a library")
    staging = small.folder / "build" / f"bdist.{build_lib.name.split('.')[1].split('-cp')[0]}"
    (staging / "wheel" / "small_pkg").mkdir(parents=True)
    (staging / "wheel" / "small_pkg" / "staged.py").touch()
    small.build()
    names = {name for name in small.names() if name.startswith("small_pkg/")}
    assert names == {
        "small_pkg/__init__.py",
        "small_pkg/__init__.pyi",
        "small_pkg/_ffi_api.py",
        "small_pkg/_ffi_api.pyi",
        "small_pkg/edited.py",
        "small_pkg/libsmall.so",
        "small_pkg/py.typed",
    }
    assert small.read("small_pkg/edited.py") == "x = 2\n"


@pytest.mark.long
def test_compile_commands_json_is_written_for_editors(small: Project) -> None:
    (folder,) = (small.folder / "build").glob("tvm-ffi.*")
    commands = json.loads((folder / "compile_commands.json").read_text())
    assert {entry["file"] for entry in commands} == {"csrc/functions.cc", "csrc/point.cc"}
    assert {entry["directory"] for entry in commands} == {str(small.folder)}
    # clangd searches the folder "build" without further configuration.
    assert json.loads((folder.parent / "compile_commands.json").read_text()) == commands
    # The named files still exist after the build environment was deleted.
    include = re.search(r"-isystem (\S+)", commands[0]["command"])
    assert include is not None
    assert (small.folder / include[1] / "tvm" / "ffi" / "c_api.h").is_file()


@pytest.mark.long
def test_the_headers_of_another_release_recompile(small: Project) -> None:
    (header,) = small.folder.glob("build/tvm-ffi.*/apache-tvm-ffi/include/tvm/ffi/object.h")
    (origin,) = small.folder.glob("build/tvm-ffi.*/apache-tvm-ffi/origin.json")
    both = {"compile csrc/functions.cc", "compile csrc/point.cc"}
    header.write_text(header.read_text() + "\n// of another release\n")
    assert rebuild(small) >= both
    origin.unlink()
    assert rebuild(small) >= both
    assert "of another release" not in header.read_text()


def test_a_build_in_another_isolated_environment_compiles_nothing(
    project: ProjectFactory, variables: dict[str, str], tmp_path: Path
) -> None:
    environment = make_environment(tmp_path / "venv", variables)
    small: Project = project("small", environment)

    def build() -> set[str]:
        process = environment.pip(
            *("wheel", "-v", "--no-deps", "-w", tmp_path / "dist", "."),
            cwd=small.folder,
            variables={"CXXFLAGS": "-O0"},
        )
        return steps(process.stdout + process.stderr)

    assert build() == ALL
    assert build() == set()


@pytest.mark.long
def test_force_compiles_everything_again(small: Project, builder: Environment) -> None:
    command = (builder.python, "setup.py", "build_ext", "--force")
    process = builder.run(*command, cwd=small.folder, variables={"CXXFLAGS": "-O0"})
    assert steps(process.stdout) >= ALL - {"generated stubs"}


@pytest.mark.long
def test_a_failed_build_is_resumed_by_the_next(small: Project) -> None:
    change(small.folder / "csrc" / "functions.cc", "return 2 * x;", "return 2 * x")
    small.refuse()
    change(small.folder / "csrc" / "functions.cc", "return 2 * x", "return 2 * x;")
    assert "compile csrc/point.cc" not in rebuild(small)
    assert os.listdir(small.wheels) != []
