# SPDX-License-Identifier: Apache-2.0
"""The command ``migrate``. docs/from-cmake.md quotes the command."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from setuptools_tvm_ffi.cli import main
from setuptools_tvm_ffi.cli.exit_status import COULD_NOT_RUN, FINDINGS, FINE

CMAKE = """
add_library(ops SHARED ops.cc)
tvm_ffi_configure_target(ops STUB_DIR src STUB_INIT ON)
install(TARGETS ops DESTINATION my_package)
"""
PYPROJECT = '[project]\nname = "my-package"\nversion = "1"\ndynamic = ["dependencies"]\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "ops.cc").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_the_proposal_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"]) == FINE
    printed = capsys.readouterr()
    assert '[[tool.setuptools-tvm-ffi.ext-modules]]\nname = "my_package.ops"' in printed.out
    assert printed.err == ""
    assert (folder / "pyproject.toml").read_text() == PYPROJECT


def test_what_is_left_is_printed_to_standard_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "CMakeLists.txt").write_text(f"{CMAKE}configure_file(a b)\n")
    assert main(["migrate"]) == FINDINGS
    printed = capsys.readouterr()
    assert "setuptools-tvm-ffi: CMakeLists.txt:5: not translated: configure_file" in printed.err
    assert "# CMakeLists.txt:5: not translated: configure_file" in printed.out


def test_a_committed_file_is_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git("init")
    git("add", ".")
    git("commit", "-m", "all")
    assert main(["migrate", "--write"]) == FINE
    assert "setuptools_tvm_ffi.build_meta" in (folder / "pyproject.toml").read_text()
    assert "wrote pyproject.toml" in capsys.readouterr().out


@pytest.mark.parametrize("state", ["no repository", "untracked", "changed"])
def test_a_file_that_git_does_not_contain_is_not_replaced(
    state: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PYPROJECT
    if state != "no repository":
        git("init")
    if state == "changed":
        git("add", ".")
        git("commit", "-m", "all")
        text += "\n# changed\n"
        (folder / "pyproject.toml").write_text(text)
    assert main(["migrate", "--write"]) == COULD_NOT_RUN
    assert "commit" in capsys.readouterr().err
    assert (folder / "pyproject.toml").read_text() == text


@pytest.mark.parametrize("command", ["migrate", "new", "ci"])
def test_the_help_has_one_example_and_the_manual(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setuptools_tvm_ffi.cli._manual", lambda: "MANUAL")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    printed = capsys.readouterr().out
    assert printed.lower().count("example:") == 1
    assert "MANUAL" in printed
