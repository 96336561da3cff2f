# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from pathlib import Path

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.compat import release_selection as releases_module
from setuptools_tvm_ffi.compat.release_selection import (
    choose_releases,
    list_releases,
    parse_releases,
    pip_command,
)
from setuptools_tvm_ffi.compat.temporary_environment import Index

# Shortened output of pip.
LISTED = """\
apache-tvm-ffi (0.1.15.post2)
Available versions: 0.1.15.post2, 0.1.14rc2, 0.1.13.post2, 0.1.9
  INSTALLED: 0.1.15.post2
  LATEST:    0.1.15.post2
"""
RELEASES = parse_releases(LISTED)


def names(releases: tuple[Version, ...]) -> str:
    return " ".join(map(str, releases))


def test_releases_are_sorted_by_version() -> None:
    assert names(RELEASES) == "0.1.9 0.1.13.post2 0.1.14rc2 0.1.15.post2"


@pytest.mark.parametrize("listing", ["", "Available versions: ", "Available versions: none\n"])
def test_an_empty_listing_has_no_releases(listing: str) -> None:
    assert parse_releases(listing) == ()


@pytest.mark.parametrize(
    ("against", "chosen"),
    [
        ([], "0.1.9 0.1.13.post2 0.1.15.post2"),
        (["0.1.9"], "0.1.9"),
        (["0.1.14rc2"], "0.1.14rc2"),
        # pip lists no yanked release, but installs one that a requirement pins.
        (["0.1.13"], "0.1.13"),
        (["==0.1.9"], "0.1.9"),
        ([">=0.1.13"], "0.1.13.post2 0.1.15.post2"),
        ([">=0.1.14rc0"], "0.1.14rc2 0.1.15.post2"),
        ([">=0.1.9,!=0.1.9,<0.1.14"], "0.1.13.post2"),
        (["0.1.15.post2", "<0.1.10", "0.1.15.post2"], "0.1.9 0.1.15.post2"),
    ],
)
def test_versions_and_specifiers_select_releases(against: list[str], chosen: str) -> None:
    assert names(choose_releases(RELEASES, against)) == chosen


@pytest.mark.parametrize("text", ["==0.1.7", ">=0.2", "!=0.1.*"])
def test_specifiers_that_match_nothing_are_rejected_with_the_listed_releases(text: str) -> None:
    with pytest.raises(BuildError, match="no release of apache-tvm-ffi") as refused:
        choose_releases(RELEASES, ["0.1.9", text])
    assert f"--against {text}: " in refused.value.message
    assert "0.1.13.post2, 0.1.14rc2" in (refused.value.hint or "")


@pytest.mark.parametrize("text", ["latest", ">>1", ">=", "0.1.9,0.1.10", ">=0.1;"])
def test_text_that_is_neither_version_nor_specifier_is_rejected(text: str) -> None:
    with pytest.raises(BuildError, match="neither a version nor version specifiers"):
        choose_releases(RELEASES, [text])


def test_an_empty_folder_has_no_releases(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BuildError, match=r"pip finds no release .*\nERROR: ") as refused:
        list_releases(Index([str(tmp_path / "empty")], no_index=True), tmp_path)
    assert "--find-links" in (refused.value.hint or "")


def test_uv_runs_pip_if_this_python_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases_module, "has_pip", lambda: False)
    monkeypatch.setattr(releases_module, "find_uv", lambda: "/bin/uv")
    assert pip_command() == (
        *("/bin/uv", "tool", "run", "--quiet", "--python", sys.executable, "pip"),
    )
    monkeypatch.setattr(releases_module, "find_uv", lambda: None)
    with pytest.raises(BuildError, match="ensurepip"):
        pip_command()


def test_relative_find_links_start_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    index = Index(["wheels", "https://example.org/links"], no_index=True, index_url="https://i/s")
    assert index.options == (
        *("--no-index", "--find-links", str(tmp_path / "wheels")),
        *("--find-links", "https://example.org/links", "--index-url", "https://i/s"),
    )
