# SPDX-License-Identifier: Apache-2.0
"""The commands `new` and `ci`."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi.cli import main
from setuptools_tvm_ffi.cli.exit_status import COULD_NOT_RUN, FINE
from setuptools_tvm_ffi.scaffold.workflow import WORKFLOW


class Terminal(io.StringIO):
    """A standard input on which a user types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_new_writes_a_project_and_prints_what_to_do_next(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "My.Package"]) == FINE
    assert (folder / "my-package" / "src" / "my_package" / "__init__.py").is_file()
    printed = capsys.readouterr().out
    assert f"wrote {Path('my-package', 'pyproject.toml')}\n" in printed
    assert "cd my-package\n" in printed


def test_new_writes_into_another_folder(folder: Path) -> None:
    assert main(["new", "a-b", "--path", ".", "--lang", "c", "--setup-py", "--with-class"]) == FINE
    assert {path.name for path in folder.iterdir()} >= {"setup.py", "pyproject.toml", "csrc"}
    assert (folder / "csrc" / "mean.c").is_file()


def test_new_writes_nothing_if_a_file_of_the_build_exists(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    (folder / "a-b").mkdir()
    (folder / "a-b" / "pyproject.toml").write_text("mine")
    assert main(["new", "a-b"]) == COULD_NOT_RUN
    captured = capsys.readouterr()
    assert "pyproject.toml" in captured.err
    assert "[y/N]" not in captured.out
    assert [path.name for path in (folder / "a-b").iterdir()] == ["pyproject.toml"]
    assert (folder / "a-b" / "pyproject.toml").read_text() == "mine"


def test_new_completes_a_repository_of_a_code_host(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("README.md", ".gitignore", "LICENSE"):
        (folder / name).write_text("mine")
    assert main(["new", "a-b", "--path", "."]) == FINE
    printed = capsys.readouterr().out
    for name in ("README.md", ".gitignore"):
        assert f"kept {name}" in printed
        assert f"wrote {name}" not in printed
        assert (folder / name).read_text() == "mine"
    assert "LICENSE" not in printed
    assert (folder / "pyproject.toml").is_file()


def test_new_reports_an_invalid_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "class"]) == COULD_NOT_RUN
    assert "my-class" in capsys.readouterr().err
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("answer", "options", "status"),
    [
        ("y\n", [], FINE),
        ("\n", [], COULD_NOT_RUN),
        ("", [], COULD_NOT_RUN),  # Ctrl-D
        ("", ["--yes"], FINE),
    ],
)
def test_new_asks_on_a_terminal_before_it_adds_files_to_a_folder(
    answer: str,
    options: list[str],
    status: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert main(["new", "empty"]) == FINE  # a new folder needs no question
    (folder / "other").mkdir()
    (folder / "other" / "notes.txt").touch()
    assert main(["new", "other", *options]) == status
    assert (folder / "other" / "README.md").exists() == (status == FINE)


def test_ci_prints_what_it_changed_and_what_is_missing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pyproject.toml").write_text('[build-system]\nrequires = ["setuptools-tvm-ffi"]\n')
    assert main(["ci"]) == FINE
    printed = capsys.readouterr().out
    assert "+name: wheels\n" in printed
    assert f"wrote {WORKFLOW}\n" in printed
    assert "[tool.cibuildwheel]" in printed
    assert main(["ci"]) == FINE
    assert f"{WORKFLOW} is up to date\n" in capsys.readouterr().out
    (folder / WORKFLOW).write_text("name: mine\n")
    assert main(["ci"]) == COULD_NOT_RUN
    assert main(["ci", "--force"]) == FINE
