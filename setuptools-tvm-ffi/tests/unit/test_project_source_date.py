# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.project.source_date import (
    applied_source_date,
    commit_date,
    declared_date,
    sdist_date,
)

DATE = 1600000000

requires_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


def git(folder: Path, *arguments: str, date: int = DATE) -> None:
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_COMMITTER_DATE": f"{date} +0545",
        "GIT_AUTHOR_DATE": "1500000000 +0000",
    }
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, env=environment, check=True)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    # The temporary folder of the tests may be inside a repository.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("")
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "first")
    return project


@pytest.mark.parametrize("text", ["0", "1700000000", "0001", str(2**32 - 1)])
def test_the_variable_is_seconds_since_1970(text: str) -> None:
    assert declared_date({"SOURCE_DATE_EPOCH": text}) == int(text)


@pytest.mark.parametrize("text", ["", " 1", "-1", "1.5", "1e9", "now", "٣", str(2**32), "9" * 5000])
def test_an_invalid_time_is_rejected(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^SOURCE_DATE_EPOCH is "):
        declared_date({"SOURCE_DATE_EPOCH": text})


@requires_git
def test_the_source_date_is_the_time_of_the_checked_out_commit(committed: Path) -> None:
    (committed / "pyproject.toml").write_text("# changed, and not committed\n")
    assert commit_date(committed) == DATE
    git(committed, "commit", "-q", "-a", "-m", "second", date=DATE + 60)
    assert commit_date(committed) == DATE + 60


@requires_git
def test_a_project_in_a_subfolder_has_the_time_of_the_commit(
    committed: Path,
) -> None:
    inner = committed / "packages" / "inner"
    inner.mkdir(parents=True)
    (inner / "setup.py").write_text("")
    assert commit_date(inner) is None  # this file is in no commit
    git(committed, "add", ".")
    git(committed, "commit", "-q", "-m", "inner", date=DATE + 1)
    assert commit_date(inner) == DATE + 1


@requires_git
def test_a_repository_without_the_project_has_no_source_date(committed: Path) -> None:
    project = committed / "unrelated"
    project.mkdir()
    (project / "pyproject.toml").write_text("")
    assert commit_date(project) is None


@requires_git
def test_a_repository_without_a_commit_has_no_source_date(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "pyproject.toml").write_text("")
    assert commit_date(tmp_path) is None


def test_a_folder_outside_a_repository_has_no_source_date(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    assert commit_date(tmp_path) is None


@requires_git
def test_without_git_there_is_no_source_date(
    committed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(committed))
    assert commit_date(committed) is None


@requires_git
def test_git_variables_of_another_repository_are_ignored(
    committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text("")
    git(other, "init", "-q")
    git(other, "add", ".")
    git(other, "commit", "-q", "-m", "other", date=DATE + 7)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert commit_date(committed) == DATE


@requires_git
def test_programs_in_the_configuration_of_a_repository_are_not_started(
    committed: Path, tmp_path: Path
) -> None:
    witness = tmp_path / "started"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{witness}'\ncat\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "gpg.program", "core.sshCommand"):
        git(committed, "config", key, str(program))
    git(committed, "config", "log.showSignature", "true")
    assert commit_date(committed) == DATE
    assert not witness.exists()


@requires_git
def test_a_bare_repository_in_the_project_folder_is_ignored(
    committed: Path, tmp_path: Path
) -> None:
    project = tmp_path / "looks like one"
    shutil.copytree(committed / ".git", project)
    (project / "pyproject.toml").write_text("")
    git(project, "config", "core.bare", "true")
    assert commit_date(project) is None


@requires_git
def test_the_variable_is_set_in_the_block_and_restored_after_it(
    committed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(os.environ)
    with applied_source_date(committed):
        assert os.environ["SOURCE_DATE_EPOCH"] == str(DATE)
    assert dict(os.environ) == before
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "5")
    with pytest.raises(ZeroDivisionError), applied_source_date(committed):
        assert 1 // (int(os.environ["SOURCE_DATE_EPOCH"]) - 5)
    assert dict(os.environ) == {**before, "SOURCE_DATE_EPOCH": "5"}


def test_an_unpacked_sdist_has_the_modification_time_of_pkg_info(tmp_path: Path) -> None:
    assert sdist_date(tmp_path) is None
    (tmp_path / "PKG-INFO").write_text("Name: a\n")
    os.utime(tmp_path / "PKG-INFO", (5, DATE))
    with applied_source_date(tmp_path):
        assert os.environ["SOURCE_DATE_EPOCH"] == str(DATE)


@requires_git
def test_a_repository_that_git_cannot_read_results_in_a_warning(
    committed: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's variable for this
        patched.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patched.setenv("GIT_CONFIG_SYSTEM", os.devnull)
        assert commit_date(committed) is None
    assert "safe.directory" in caplog.text
    caplog.clear()
    monkeypatch.setenv("PATH", str(committed))
    assert commit_date(committed) is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "git is not installed" in caplog.text


@requires_git
def test_a_commit_takes_precedence_over_pkg_info(committed: Path) -> None:
    (committed / "PKG-INFO").write_text("Name: a\n")
    with applied_source_date(committed):
        assert os.environ["SOURCE_DATE_EPOCH"] == str(DATE)


def test_without_a_source_date_a_message_is_printed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"), applied_source_date(tmp_path):
        assert "SOURCE_DATE_EPOCH" not in os.environ
    assert "not reproducible: no SOURCE_DATE_EPOCH" in caplog.text
