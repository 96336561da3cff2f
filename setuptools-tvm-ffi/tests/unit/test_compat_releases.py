# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.compat import releases as releases_module
from setuptools_tvm_ffi.compat.index import Index
from setuptools_tvm_ffi.compat.releases import (
    Release,
    choose_releases,
    list_releases,
    parse_releases,
    pip_command,
)

# What pip prints, shortened.
LISTED = """\
apache-tvm-ffi (0.1.15.post2)
Available versions: 0.1.15.post2, 0.1.14rc2, 0.1.13.post2, 0.1.9
  INSTALLED: 0.1.15.post2
  LATEST:    0.1.15.post2
"""
OF_23_1 = """\
ERROR: Could not find a version that satisfies the requirement apache-tvm-ffi==0+none \
(from versions: 0.1.8, 0.1.9, 0.1.13, 0.1.13.post2, 0.1.14rc2, 0.1.14, 0.1.15.post2)
ERROR: No matching distribution found for apache-tvm-ffi==0+none
"""
OF_26_3 = """\
ERROR: Ignored the following yanked versions: 0.1.8, 0.1.13, 0.1.14
ERROR: Could not find a version that satisfies the requirement apache-tvm-ffi==0+none \
(from versions: 0.1.9, 0.1.13.post2, 0.1.14rc2, 0.1.15.post2)
ERROR: No matching distribution found for apache-tvm-ffi==0+none
"""
NONE = "ERROR: No matching distribution found for apache-tvm-ffi\n"


def names(releases: tuple[Release, ...]) -> str:
    return " ".join(f"({r.version})" if r.withdrawn else f"{r.version}" for r in releases)


RELEASES = parse_releases(LISTED, OF_23_1)
EVERY = "(0.1.8) 0.1.9 (0.1.13) 0.1.13.post2 (0.1.14) 0.1.15.post2"


@pytest.mark.parametrize("error", [OF_23_1, OF_26_3])
def test_withdrawn_releases_are_told_from_the_others(error: str) -> None:
    every = "(0.1.8) 0.1.9 (0.1.13) 0.1.13.post2 0.1.14rc2 (0.1.14) 0.1.15.post2"
    assert names(parse_releases(LISTED, error)) == every


def test_what_a_folder_offers_may_be_withdrawn_upstream() -> None:
    listed = "Available versions: 0.1.13.post0, 0.1.13, 0.1.12\n"
    error = "ERROR: Could not find … (from versions: 0.1.12, 0.1.13, 0.1.13.post0)"
    assert names(parse_releases(listed, error)) == "0.1.12 (0.1.13) (0.1.13.post0)"


def test_without_the_error_the_listing_does() -> None:
    assert names(parse_releases(LISTED, "ERROR: something else")) == (
        "0.1.9 0.1.13.post2 0.1.14rc2 0.1.15.post2"
    )


@pytest.mark.parametrize("error", [NONE, "(from versions: none)", "(from versions: )"])
def test_where_there_is_nothing_there_is_no_release(error: str) -> None:
    assert parse_releases("", error) == ()


@pytest.mark.parametrize(
    ("against", "chosen"),
    [
        ([], EVERY),
        (["0.1.9"], "0.1.9"),
        (["0.1.9.0"], "0.1.9"),
        (["0.1.13"], "(0.1.13)"),
        (["0.1.14rc2"], "0.1.14rc2"),
        (["==0.1.13"], "(0.1.13)"),
        ([">=0.1.13"], "(0.1.13) 0.1.13.post2 (0.1.14) 0.1.15.post2"),
        ([">=0.1.14rc0"], "0.1.14rc2 (0.1.14) 0.1.15.post2"),
        ([">=0.1.9,!=0.1.13,<0.1.14"], "0.1.9 0.1.13.post2"),
        (["0.1.15.post2", "<0.1.9", "0.1.15.post2"], "(0.1.8) 0.1.15.post2"),
    ],
)
def test_versions_and_specifiers_choose(against: list[str], chosen: str) -> None:
    assert names(choose_releases(RELEASES, against)) == chosen


@pytest.mark.parametrize("text", ["0.1.7", ">=0.2", "!=0.1.*"])
def test_what_chooses_nothing_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(BuildError, match="fits that") as refused:
        choose_releases(RELEASES, ["0.1.9", text])
    assert f"--against {text}: " in refused.value.message
    assert "0.1.13.post2, 0.1.14rc2" in (refused.value.hint or "")


@pytest.mark.parametrize("text", ["latest", ">>1", ">=", "0.1.9,0.1.10", ">=0.1;"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(BuildError, match="no version and no set of specifiers"):
        choose_releases(RELEASES, [text])


def test_an_empty_folder_has_no_releases_and_pip_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BuildError, match=r"pip finds no release .*\nERROR: ") as refused:
        list_releases(Index([str(tmp_path / "empty")], no_index=True), tmp_path)
    assert "network" in (refused.value.hint or "")


def test_uv_fetches_pip_where_this_python_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases_module, "has_pip", lambda: False)
    monkeypatch.setattr(releases_module, "find_uv", lambda: "/bin/uv")
    assert pip_command() == (
        *("/bin/uv", "tool", "run", "--quiet", "--python", sys.executable, "pip"),
    )
    monkeypatch.setattr(releases_module, "find_uv", lambda: None)
    with pytest.raises(BuildError, match="no pip"):
        pip_command()


def test_places_are_those_of_the_folder_where_the_command_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    index = Index(["wheels", "https://example.org/links"], no_index=True, index_url="https://i/s")
    assert index.options == (
        *("--no-index", "--find-links", str(tmp_path / "wheels")),
        *("--find-links", "https://example.org/links", "--index-url", "https://i/s"),
    )
