# SPDX-License-Identifier: Apache-2.0
"""Where a build writes the metadata of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from setuptools import Distribution
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.plugin.attachment import attach

TARGETS = ("x86_64-linux-gnu.2.17", "aarch64-linux-gnu.2.17")


def egg_info(target: str | None, monkeypatch: pytest.MonkeyPatch, *commands: str) -> Path:
    """Return the folder that a build for a target writes metadata to, relative to the project."""
    monkeypatch.delenv("SETUPTOOLS_TVM_FFI_TARGET", raising=False)
    if target is not None:
        monkeypatch.setenv("SETUPTOOLS_TVM_FFI_TARGET", target)
    extensions = [TVMFFIExtension("pkg.ops", ["a.cpp"])]
    made = Distribution({"name": "p", "version": "1", "ext_modules": extensions})
    made.commands = list(commands)
    attach(made)
    command: Any = made.get_command_obj("egg_info")
    command.ensure_finalized()
    return Path(command.egg_info)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_target_has_its_own_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [egg_info(target, monkeypatch, "bdist_wheel") for target in (None, *TARGETS)]
    assert len(set(folders)) == 3
    assert {folder.name for folder in folders} == {"p.egg-info"}
    assert all(folder.parts[0] == "build" for folder in folders)


def test_a_new_build_folder_is_hidden_from_git(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    egg_info(None, monkeypatch, "bdist_wheel")
    assert "*" in (project / "build" / ".gitignore").read_text().splitlines()


def test_a_build_folder_of_the_user_is_not_hidden_from_git(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "build").mkdir()
    (project / "build" / "notes.md").touch()
    egg_info(None, monkeypatch, "bdist_wheel")
    assert not (project / "build" / ".gitignore").exists()


def test_an_sdist_is_the_same_for_every_target(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {egg_info(target, monkeypatch, "sdist") for target in (None, *TARGETS)}
    assert folders == {Path("build", "p.egg-info")}


def test_a_build_for_a_target_reads_the_sources_list_of_an_sdist(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "PKG-INFO").touch()
    listed = project / "build" / "p.egg-info" / "SOURCES.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("pkg/data.json\n")
    folder = egg_info(TARGETS[0], monkeypatch, "bdist_wheel")
    assert (folder / "SOURCES.txt").read_text() == "pkg/data.json\n"
