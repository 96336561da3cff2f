# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.compat.result import TRANSIENT, Outcome, Result
from setuptools_tvm_ffi.compat.result_cache import Cache, Watch, facts_of, folder_state

RELEASE = Version("0.1.9")
CRASHED = Result(RELEASE, Outcome.CRASHED, "call f", "SIGSEGV")
FACTS: dict[str, Any] = {
    "wheel": "ab",
    "with_requirements": ["pytest"],
    "skipped": [],
    "command": ["python", "-m", "pytest"],
    "folder_state": "cd",
}


def cache(folder: Path, **changes: Any) -> Cache:
    return Cache(folder, facts_of(**{**FACTS, **changes}))


def test_a_result_is_found_again_and_says_so(tmp_path: Path) -> None:
    cache(tmp_path / "new").keep(CRASHED)
    found = cache(tmp_path / "new").find(RELEASE)
    assert found == Result(RELEASE, Outcome.CRASHED, "call f", "SIGSEGV", cached=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"wheel": "ac"},
        {"with_requirements": []},
        {"skipped": ["f"]},
        {"command": ["python", "-m", "tests"]},
        {"command": None},
        {"folder_state": "ce"},
    ],
)
def test_another_way_of_trying_has_other_results(tmp_path: Path, changes: dict[str, Any]) -> None:
    cache(tmp_path).keep(CRASHED)
    assert cache(tmp_path, **changes).find(RELEASE) is None


def test_another_release_has_another_result(tmp_path: Path) -> None:
    cache(tmp_path).keep(CRASHED)
    assert cache(tmp_path).find(Version("0.1.10")) is None


@pytest.mark.parametrize("outcome", Outcome)
def test_what_may_be_otherwise_tomorrow_is_not_kept(tmp_path: Path, outcome: Outcome) -> None:
    cache(tmp_path).keep(Result(RELEASE, outcome))
    kept = cache(tmp_path).find(RELEASE) is not None
    assert kept == (outcome not in {Outcome.INSTALL_FAILED, Outcome.TIMED_OUT})
    assert kept == (outcome not in TRANSIENT)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"outcome": "won"}',
        b'{"outcome": "passed", "detail": 1, "signal": null}',
        b'{"outcome": "passed", "detail": "", "signal": 1}',
        b'{"outcome": "passed", "detail": ""}',
        b'{"outcome": "passed", "detail": "", "signal": null, "called": "two"}',
        b'{"outcome": ["passed"], "detail": "", "signal": null}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_file_is_no_result(tmp_path: Path, content: bytes) -> None:
    cache(tmp_path).keep(CRASHED)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    assert cache(tmp_path).find(RELEASE) is None


def test_where_nothing_can_be_kept_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", None):
        unkept = Cache(folder, {})
        unkept.keep(CRASHED)
        assert unkept.find(RELEASE) is None


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "test_it.py").write_text("assert True")
    return folder


def state(folder: Path, *command: str, requirements: Sequence[str] = ()) -> str:
    states = Watch(folder, command, requirements, folder.parent / "notes").before()
    assert states is not None
    return folder_state(states)


def test_a_folder_changes_with_its_files_but_not_with_what_commands_leave(project: Path) -> None:
    first = state(project)
    for left in (".pytest_cache/v", ".coverage", "tests/__pycache__/test_it.pyc", "build/x.o"):
        (project / left).parent.mkdir(parents=True, exist_ok=True)
        (project / left).touch()
    assert state(project) == first
    test = project / "tests" / "test_it.py"
    test.write_text("assert None")
    os.utime(test, ns=(1, 1))
    changed = state(project)
    assert changed != first
    (project / "tests" / "data").touch()
    assert state(project) not in {first, changed}


@pytest.mark.parametrize(
    ("word", "file"),
    [
        ("../shared/test_it.py", "shared/test_it.py"),
        ("../shared/test_it.py::test_one", "shared/test_it.py"),
        ("--rootdir=../shared", "shared/inner/conftest.py"),
        ("../shared", "shared/test_it.py"),
        (".settings", "project/.settings"),
        ("build/test_it.py", "project/build/test_it.py"),
    ],
)
def test_what_the_words_of_a_command_name_is_watched_wherever_it_lies(
    project: Path, word: str, file: str
) -> None:
    path = project.parent / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("one")
    first = state(project, "pytest", word)
    assert state(project, "pytest", word) == first
    path.write_text("another")
    assert state(project, "pytest", word) != first


@pytest.mark.parametrize("how", ["{}", "{}[extra]", "other @ file://{}"])
def test_a_requirement_that_is_a_file_counts_by_its_content(project: Path, how: str) -> None:
    wheel = project.parent / "other-1.0-py3-none-any.whl"
    wheel.write_text("one")
    os.utime(wheel, ns=(1, 1))
    requirements = [how.format(wheel)]
    first = state(project, requirements=requirements)
    wheel.write_text("two")
    os.utime(wheel, ns=(1, 1))
    assert state(project, requirements=requirements) != first


def test_a_report_that_the_command_writes_each_time_makes_no_run_the_first(project: Path) -> None:
    watch = Watch(project, ("pytest", "--junitxml=report.xml"), (), project.parent / "notes")
    report = project / "report.xml"
    first = watch.before()
    assert first is not None
    report.write_text("took 1 s")
    watch.after(first)
    assert watch.before() == first
    report.write_text("took 12 s")
    watch.after(first)
    assert watch.before() == first
    # Somebody has written another one, or a test.
    report.write_text("by hand")
    os.utime(report, ns=(1, 1))
    assert watch.before() != first


def test_a_test_that_is_changed_while_the_command_runs_is_tried_the_next_time(
    project: Path,
) -> None:
    watch = Watch(project, ("pytest",), (), project.parent / "notes")
    first = watch.before()
    assert first is not None
    (project / "tests" / "test_it.py").write_text("assert 'changed'")
    watch.after(first)
    assert watch.before() != first


def test_notes_that_are_damaged_are_none(project: Path) -> None:
    watch = Watch(project, ("pytest",), (), project.parent / "notes")
    first = watch.before()
    assert first is not None
    (project / "report.xml").touch()
    watch.after(first)
    (notes,) = (project.parent / "notes").iterdir()
    for content in (b"{", b"[]", b"\xff"):
        notes.write_bytes(content)
        assert watch.before() != first


def test_a_folder_that_is_no_project_is_not_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setuptools_tvm_ffi.compat.result_cache._MAX_FILES", 3)
    for name in "abc":
        (tmp_path / name).touch()
    watch = Watch(tmp_path, ("pytest",), (), None)
    assert watch.before() is not None
    (tmp_path / "d").touch()
    assert watch.before() is None
