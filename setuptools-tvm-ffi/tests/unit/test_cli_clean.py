# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from setuptools_tvm_ffi.cli import main
from setuptools_tvm_ffi.editable.hook import IGNORE_EVERYTHING
from setuptools_tvm_ffi.plugin.commands.build_folder import COMPILE_COMMANDS, IGNORE_FILE


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SETUPTOOLS_TVM_FFI_BUILD_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache" / "setuptools-tvm-ffi" / "compat").mkdir(parents=True)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def build(folder: Path, *, is_ours: bool = True) -> None:
    for name in ("tvm-ffi.linux-x86_64", "lib.linux-x86_64"):
        (folder / name).mkdir(parents=True)
    if is_ours:
        (folder / IGNORE_FILE).write_bytes(IGNORE_EVERYTHING)
        (folder / COMPILE_COMMANDS).touch()


def test_the_build_folder_is_removed(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(project / "build")
    assert main(["clean"]) == 0
    assert capsys.readouterr().out == f"removed {project / 'build'}\n"
    assert not list(project.iterdir())
    assert (tmp_path / "cache" / "setuptools-tvm-ffi").exists()


def test_a_folder_of_the_user_keeps_its_other_contents(project: Path) -> None:
    build(project / "build", is_ours=False)
    assert main(["clean"]) == 0
    assert [path.name for path in (project / "build").iterdir()] == ["lib.linux-x86_64"]


def test_a_file_of_the_user_in_a_folder_of_the_plugin_is_kept(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(project / "build")
    for name in ("bdist.linux-x86_64", "temp.linux-x86_64", "lib", "sdist", "p.egg-info"):
        (project / "build" / name).mkdir()
    (project / "build" / "library-notes").touch()
    assert main(["clean"]) == 0
    assert [path.name for path in (project / "build").iterdir()] == ["library-notes"]
    assert f"removed {project / 'build' / 'sdist'}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", '[tool.setuptools-tvm-ffi]\nbuild-dir = "../out"\n'),
        ("setup.cfg", "[build]\nbuild-base = ../out\n"),
    ],
)
def test_the_folder_of_the_settings_is_removed(project: Path, file: str, text: str) -> None:
    (project / file).write_text(text)
    build(project.parent / "out")
    build(project / "build")
    assert main(["clean"]) == 0
    assert not (project.parent / "out").exists()
    assert (project / "build").exists()


def test_the_cache_is_removed_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clean", "--cache"]) == 0
    assert "removed" in capsys.readouterr().out
    assert not (tmp_path / "cache" / "setuptools-tvm-ffi").exists()


def test_nothing_to_remove_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clean"]) == 0
    assert capsys.readouterr().out == "nothing to remove\n"
