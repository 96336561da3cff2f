# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from setuptools import Distribution
from setuptools.command.sdist import sdist
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.base import build_lock
from setuptools_tvm_ffi.base.errors import BuildError, ConfigurationError
from setuptools_tvm_ffi.plugin.attachment import attach


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command ``sdist`` of a project with one source, one header and one other file."""
    root = tmp_path / "project"
    (root / "csrc").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    (root / "csrc" / "a.cpp").write_text('#include "b.h"\n')
    (root / "csrc" / "b.h").touch()
    (root / "csrc" / "notes").touch()
    monkeypatch.chdir(root)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    extensions = [TVMFFIExtension("pkg.ops", ["csrc/a.cpp"])]
    made: Any = Distribution({"name": "p", "version": "1", "ext_modules": extensions})
    attach(made)
    made.script_name = "setup.py"
    made.commands = ["sdist"]
    command: Any = made.get_command_obj("sdist")
    command.ensure_finalized()
    return command


def names() -> set[str]:
    with tarfile.open("dist/p-1.tar.gz") as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


@pytest.mark.parametrize("line", ["exclude csrc/b.h", "global-exclude *.h", "prune csrc"])
def test_a_needed_file_that_the_manifest_excludes_is_refused(command: Any, line: str) -> None:
    Path("MANIFEST.in").write_text(f"exclude csrc/notes\n{line}\n")
    with pytest.raises(ConfigurationError) as caught:
        command.run()
    assert caught.value.message.startswith(f"MANIFEST.in: {line!r} excludes csrc/")
    assert not Path("dist").exists()


@pytest.mark.parametrize("metadata", ["p.egg-info", "src/p.egg-info", "former_name.egg-info"])
def test_outputs_of_inplace_builds_are_not_packed(command: Any, metadata: str) -> None:
    command.distribution.packages = ["pkg"]
    for name in ("pkg/__init__.py", "pkg/libold.so", "pkg/libvendored.so", f"{metadata}/RECORD"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path(metadata, "RECORD").write_text("pkg/libold.so,,\n")
    Path("MANIFEST.in").write_text("recursive-include pkg *.so\n")
    command.run()
    assert "pkg/libvendored.so" in names()
    assert "pkg/libold.so" not in names()


def test_pyproject_cannot_be_excluded(command: Any) -> None:
    Path("MANIFEST.in").write_text("exclude *.toml\n")
    with pytest.raises(ConfigurationError, match=r"excludes pyproject\.toml"):
        command.run()


def test_the_hint_about_an_excluded_file_works(command: Any) -> None:
    Path("MANIFEST.in").write_text("global-exclude *.h\ninclude csrc/b.h\n")
    command.run()
    assert "csrc/b.h" in names()


def test_another_file_that_the_manifest_excludes_is_reported(
    command: Any, caplog: pytest.LogCaptureFixture
) -> None:
    Path("MANIFEST.in").write_text("exclude csrc/notes\n")
    command.run()
    assert "MANIFEST.in excludes files in folders that contain sources" in caplog.text
    assert "exclude them: csrc/notes" in caplog.text
    assert "csrc/notes" not in names()


def test_an_sdist_holds_the_lock_of_the_build_folder(
    command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    monkeypatch.setattr(sdist, "run", lambda _: held.append(len(build_lock.held_files())))
    command.run()
    assert held == [1]


def test_an_sdist_does_not_change_the_times_of_the_sources(command: Any) -> None:
    before = os.stat("csrc/a.cpp")
    command.run()
    assert "csrc/a.cpp" in names()
    assert os.stat("csrc/a.cpp").st_ctime_ns == before.st_ctime_ns


def test_a_folder_that_cannot_be_deleted_is_reported(command: Any) -> None:
    Path("build/sdist").mkdir(parents=True)
    Path("build/sdist/p-1").touch()
    with pytest.raises(BuildError, match="cannot delete build/sdist/p-1"):
        command.run()
