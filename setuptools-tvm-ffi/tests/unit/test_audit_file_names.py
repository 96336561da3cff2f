# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from setuptools_tvm_ffi.audit.file_names import name_findings

WINDOWS, MACOS, LINUX = "win_amd64", "macosx_11_0_arm64", "manylinux_2_17_x86_64"


def found(platform: str, *paths: str) -> list[str]:
    return [finding.path for finding in name_findings(paths, [platform])]


@pytest.mark.parametrize(
    "path",
    [
        *("pkg/con.py", "pkg/AUX", "nul/a.py", "pkg/lpt1.tar.gz", "pkg/aux .h"),
        *("pkg/a.", "pkg/a ", "pkg /a.py", "pkg/a?.py", "pkg/a|b"),
    ],
)
def test_what_windows_cannot_have_is_found_where_it_may_come_there(path: str) -> None:
    assert found(WINDOWS, "pkg/a.py", path) == [path]
    assert found("any", path) == [path]
    assert found(LINUX, path) == found(MACOS, path) == []


def test_names_that_are_one_elsewhere_are_found() -> None:
    paths = ("pkg/a.py", "pkg/A.py", "pkg/\u00e4.py", "pkg/a\u0308.py", "pkg/b.py")
    for platform in (WINDOWS, MACOS, "any"):
        assert found(platform, *paths) == ["pkg/A.py", "pkg/a\u0308.py"]
    assert found(LINUX, *paths) == []


@pytest.mark.parametrize(
    "path", ["pkg/console.py", "pkg/auxiliary.h", "pkg/.hidden", "pkg/com.py", "pkg/a b.txt", "c"]
)
def test_other_names_are_in_order(path: str) -> None:
    assert found(WINDOWS, path) == []
