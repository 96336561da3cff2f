# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.compat.cache import Cache, default_folder, facts_of, folder_state
from setuptools_tvm_ffi.compat.releases import Release
from setuptools_tvm_ffi.compat.result import TRANSIENT, Outcome, Result

RELEASE = Release(Version("0.1.9"))
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
    assert cache(tmp_path).find(Release(Version("0.1.10"))) is None


def test_withdrawing_a_release_changes_no_result(tmp_path: Path) -> None:
    cache(tmp_path).keep(CRASHED)
    found = cache(tmp_path).find(Release(RELEASE.version, withdrawn=True))
    assert found is not None
    assert found.release.withdrawn


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


def test_a_folder_changes_with_its_files_but_not_with_what_commands_leave(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    test = tmp_path / "tests" / "test_it.py"
    test.write_text("assert True")
    state = folder_state(tmp_path)
    assert state is not None
    for left in (".pytest_cache/v", "tests/__pycache__/test_it.pyc", "build/x.o"):
        (tmp_path / left).parent.mkdir(parents=True)
        (tmp_path / left).touch()
    assert folder_state(tmp_path) == state
    test.write_text("assert None")
    os.utime(test, ns=(1, 1))
    changed = folder_state(tmp_path)
    assert changed != state
    (tmp_path / "tests" / "data").touch()
    assert folder_state(tmp_path) not in {state, changed}


def test_a_folder_that_is_no_project_is_not_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setuptools_tvm_ffi.compat.cache._MAX_FILES", 3)
    for name in "abc":
        (tmp_path / name).touch()
    assert folder_state(tmp_path) is not None
    (tmp_path / "d").touch()
    assert folder_state(tmp_path) is None


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {"XDG_CACHE_HOME": "/caches"}, "/caches"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/me/.cache"),
        ("linux", {}, "/home/me/.cache"),
        # Neither is here; the rules are those of the platforms' own guides.
        ("darwin", {}, "/home/me/Library/Caches"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local"),
    ],
)
def test_results_lie_where_the_platform_wants_caches(
    platform: str, variables: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", "/home/me")
    assert default_folder(variables) == Path(folder, "setuptools-tvm-ffi", "compat")


def test_without_a_place_for_caches_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert default_folder({}) is None
