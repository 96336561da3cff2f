# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
import setuptools
from setuptools_tvm_ffi.plugin.hooks import rebuild_editable

PYPROJECT = """\
[[tool.setuptools-tvm-ffi.ext-modules]]
name = "pkg.ops"
sources = ["a.c"]
"""


@pytest.mark.parametrize("has_setup", [False, True])
def test_modules_of_the_project_do_not_shadow_installed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_setup: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    if has_setup:
        (tmp_path / "setup.py").touch()
    paths: list[list[str]] = []

    def record(*arguments: Any, **keywords: Any) -> None:
        del arguments, keywords
        paths.append(sys.path[:])

    monkeypatch.setattr(setuptools, "setup", record)
    monkeypatch.setattr(runpy, "run_path", record)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    rebuild_editable("folder")
    (path,) = paths
    assert [n for n, e in enumerate(path) if Path(e).resolve() == Path.cwd()] == (
        [len(path) - 1] if has_setup else []
    )
    assert sys.path[:2] == ["", os.getcwd()]
