# SPDX-License-Identifier: Apache-2.0
"""The folder that ``build`` collects the files of a wheel in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from setuptools import Distribution
from setuptools.command.build import build
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.plugin.attachment import attach


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command ``build`` without subcommands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SETUPTOOLS_TVM_FFI_TARGET", raising=False)
    monkeypatch.setattr(build, "run", lambda _: None)
    extensions = [TVMFFIExtension("pkg.ops", ["a.cpp"])]
    made: Any = Distribution(
        {"name": "p", "version": "1", "packages": ["pkg"], "ext_modules": extensions}
    )
    attach(made)
    made.commands = ["build"]
    command: Any = made.get_command_obj("build")
    command.ensure_finalized()
    return command


def left_in(folder: str) -> Path:
    file = Path(folder, "pkg", "libold.so")
    file.parent.mkdir(parents=True)
    file.touch()
    return file


def test_files_of_an_earlier_build_are_deleted(command: Any) -> None:
    files = [left_in(command.build_lib), left_in(command.build_scripts)]
    command.run()
    assert not any(file.exists() for file in files)


def test_files_of_a_command_that_ran_before_are_kept(command: Any) -> None:
    file = left_in(command.build_lib)
    command.distribution.have_run["build_py"] = True
    command.run()
    assert file.exists()


def test_files_in_a_folder_outside_the_build_folder_are_kept(command: Any, tmp_path: Path) -> None:
    command.build_lib = str(tmp_path / "elsewhere")
    file = left_in(command.build_lib)
    command.run()
    assert file.exists()


def test_each_target_has_a_folder_of_its_own(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETUPTOOLS_TVM_FFI_TARGET", "x86_64-linux-gnu.2.17")
    other: Any = Distribution(
        {"name": "p", "version": "1", "ext_modules": command.distribution.ext_modules}
    )
    attach(other)
    other.commands = ["build"]
    of_target = other.get_command_obj("build")
    of_target.ensure_finalized()
    assert of_target.build_lib != command.build_lib
    assert Path(of_target.build_lib).name == "lib.x86_64-linux-gnu.2.17"


def test_a_folder_that_cannot_be_deleted_is_reported(command: Any) -> None:
    folder = Path(command.build_lib)
    folder.parent.mkdir()
    folder.touch()
    with pytest.raises(BuildError, match=f"cannot delete .*{folder.name}"):
        command.run()
