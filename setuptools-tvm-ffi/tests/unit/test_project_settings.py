# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from setuptools_tvm_ffi.errors import ConfigurationError
from setuptools_tvm_ffi.project_settings import Project, ProjectSettings, read_project


def read(folder: Path, text: str) -> Project:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return read_project(folder)


def refused(folder: Path, text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, text)
    return caught.value


def test_a_project_may_do_without_the_file(tmp_path: Path) -> None:
    assert read_project(tmp_path) == Project(ProjectSettings(), dynamic_dependencies=True)


@pytest.mark.parametrize("text", ["", "[tool.other]\nx = 1\n", "[tool.setuptools-tvm-ffi]\n"])
def test_a_project_may_do_without_settings(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).settings == ProjectSettings(abi_floor=None)


def test_the_floor_is_read(tmp_path: Path) -> None:
    text = '[tool.setuptools-tvm-ffi]\nabi-floor = "0.1.9"\n'
    assert read(tmp_path, text).settings == ProjectSettings(abi_floor="0.1.9")


@pytest.mark.parametrize(
    ("project", "dynamic"),
    [
        ("", True),
        ('[build-system]\nrequires = ["setuptools"]', True),
        ('[project]\nname = "p"\ndynamic = ["version", "dependencies"]', True),
        ('[project]\nname = "p"', False),
        ('[project]\nname = "p"\ndynamic = ["version"]', False),
        ('[project]\nname = "p"\ndynamic = ["optional-dependencies"]', False),
        ('[project]\nname = "p"\ndependencies = ["apache-tvm-ffi"]', False),
    ],
)
def test_dependencies_are_dynamic_where_the_project_says_so_or_has_no_table(
    tmp_path: Path, project: str, *, dynamic: bool
) -> None:
    assert read(tmp_path, project).dynamic_dependencies is dynamic


@pytest.mark.parametrize("key", ["abi_floor", "abi-flor", "abifloor", "abi.floor"])
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(tmp_path: Path, key: str) -> None:
    quoted = f'"{key}"'
    error = refused(tmp_path, f'[tool.setuptools-tvm-ffi]\n{quoted} = "0.1.9"\n')
    assert error.message == (
        f"pyproject.toml: tool.setuptools-tvm-ffi.{key}: unknown key, did you mean 'abi-floor'?"
    )
    assert error.hint == "known keys: abi-floor"


def test_an_unknown_key_like_no_other_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "[tool.setuptools-tvm-ffi]\njobs = 4\n")
    assert error.message == "pyproject.toml: tool.setuptools-tvm-ffi.jobs: unknown key"


@pytest.mark.parametrize(
    ("value", "kind"),
    [("0.1", "float"), ("1", "int"), ("true", "bool"), ('["0.1.9"]', "list"), ("{}", "dict")],
)
def test_a_value_of_the_wrong_type_is_refused_by_key(tmp_path: Path, value: str, kind: str) -> None:
    error = refused(tmp_path, f"[tool.setuptools-tvm-ffi]\nabi-floor = {value}\n")
    assert error.message == (
        f"pyproject.toml: tool.setuptools-tvm-ffi.abi-floor: must be a string, not {kind}"
    )


@pytest.mark.parametrize(
    "text",
    ['[tool]\nsetuptools-tvm-ffi = "0.1.9"\n', "[[tool.setuptools-tvm-ffi]]\nabi-floor = '0.1'\n"],
)
def test_settings_that_are_no_table_are_refused(tmp_path: Path, text: str) -> None:
    assert "tool.setuptools-tvm-ffi" in refused(tmp_path, text).message


def test_a_file_that_is_no_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    message = refused(tmp_path, "[project]\nname = \n").message
    assert message.startswith("pyproject.toml: ")
    assert "line 2" in message
