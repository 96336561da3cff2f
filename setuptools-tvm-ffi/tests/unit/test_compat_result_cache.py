# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.compat.result import TRANSIENT, Outcome, Result
from setuptools_tvm_ffi.compat.result_cache import Cache, facts_of
from setuptools_tvm_ffi.compat.subject import Subject
from setuptools_tvm_ffi.compat.temporary_environment import Index, Installer
from setuptools_tvm_ffi.compat.trial import Plan

RELEASE = Version("0.1.9")
CRASHED = Result(RELEASE, Outcome.CRASHED, "call f", "SIGSEGV")
SUBJECT = Subject(Path("/w/pkg-1.0.whl"), "ab", None, (), ("pkg",), ("pkg/libpkg.so",))
PLAN = Plan(
    SUBJECT,
    Installer("uv", (), Index()),
    with_requirements=["pytest"],
    command=["python", "-m", "pytest"],
    folder=Path("/no/such/folder"),
)


def cache(cached: Path, **changes: Any) -> Cache:
    return Cache(cached, facts_of(replace(PLAN, **changes)))


def test_a_cached_result_is_marked_as_cached(tmp_path: Path) -> None:
    cache(tmp_path / "new").keep(CRASHED)
    found = cache(tmp_path / "new").find(RELEASE)
    assert found == Result(RELEASE, Outcome.CRASHED, "call f", "SIGSEGV", cached=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": replace(SUBJECT, sha256="ac")},
        {"with_requirements": []},
        {"skipped": ["f"]},
        {"command": ["python", "-m", "tests"]},
        {"command": None},
        {"folder": Path(__file__).parent},
    ],
)
def test_other_options_do_not_share_cached_results(tmp_path: Path, changes: dict[str, Any]) -> None:
    cache(tmp_path).keep(CRASHED)
    assert cache(tmp_path, **changes).find(RELEASE) is None


def test_other_releases_do_not_share_cached_results(tmp_path: Path) -> None:
    cache(tmp_path).keep(CRASHED)
    assert cache(tmp_path).find(Version("0.1.10")) is None


@pytest.mark.parametrize("outcome", Outcome)
def test_transient_outcomes_are_not_cached(tmp_path: Path, outcome: Outcome) -> None:
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
        b'{"outcome": "passed", "else": 1}',
        b'{"outcome": ["passed"], "detail": "", "signal": null}',
        b"\xff\xfe",
    ],
)
def test_a_corrupt_cache_file_is_ignored(tmp_path: Path, content: bytes) -> None:
    cache(tmp_path).keep(CRASHED)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    assert cache(tmp_path).find(RELEASE) is None


def test_without_a_writable_cache_nothing_is_cached(tmp_path: Path) -> None:
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


def state(folder: Path, *command: str, requirements: Sequence[str] = ()) -> object:
    plan = replace(PLAN, folder=folder, command=command, with_requirements=requirements)
    return facts_of(plan)["files"]


def test_changed_files_change_the_state_but_generated_files_do_not(project: Path) -> None:
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
    assert state(project) not in (first, changed)


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
def test_files_named_by_the_command_belong_to_the_state(
    project: Path, word: str, file: str
) -> None:
    path = project.parent / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("one")
    first = state(project, "pytest", word)
    assert state(project, "pytest", word) == first
    path.write_text("another")
    assert state(project, "pytest", word) != first


@pytest.mark.parametrize("how", ["{}", "{}[extra]"])
def test_the_content_of_a_requirement_file_belongs_to_the_state(project: Path, how: str) -> None:
    wheel = project.parent / "other-1.0-py3-none-any.whl"
    wheel.write_text("one")
    os.utime(wheel, ns=(1, 1))
    requirements = [how.format(wheel)]
    first = state(project, requirements=requirements)
    wheel.write_text("two")
    os.utime(wheel, ns=(1, 1))
    assert state(project, requirements=requirements) != first


def test_without_a_command_the_state_is_empty(project: Path) -> None:
    assert facts_of(replace(PLAN, folder=project, command=None))["files"] == {}
