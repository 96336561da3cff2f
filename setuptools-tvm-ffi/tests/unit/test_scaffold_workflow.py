# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.scaffold.names import Names
from setuptools_tvm_ffi.scaffold.project import Options, project_files, write_files
from setuptools_tvm_ffi.scaffold.workflow import WORKFLOW, missing_tables, update_workflow

PYPROJECT = """
[build-system]
requires = ["setuptools>=77", "setuptools_tvm_ffi>=0.1"]
build-backend = "setuptools_tvm_ffi.build_meta"
"""
EXTENSION = """
[[tool.setuptools-tvm-ffi.ext-modules]]
name = "pkg.lib"
sources = ["csrc/*.cu"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path


def test_a_new_workflow_is_written_and_then_up_to_date(root: Path) -> None:
    changes = update_workflow(root, force=False)
    assert changes is not None
    assert "+name: wheels\n" in changes
    assert update_workflow(root, force=False) is None


def test_the_workflow_of_a_new_project_is_up_to_date(tmp_path: Path) -> None:
    for language in ("c++", "cuda"):
        for setup_py in (False, True):
            folder = tmp_path / f"{language}-{setup_py}"
            options = Options(language, setup_py=setup_py)
            write_files(folder, project_files(Names("a-b", "a_b"), options))
            assert update_workflow(folder, force=False) is None
            assert missing_tables(folder) is None


def test_a_workflow_for_another_kind_of_project_is_replaced(root: Path) -> None:
    update_workflow(root, force=False)
    (root / "pyproject.toml").write_text(PYPROJECT + EXTENSION)
    changes = update_workflow(root, force=False)
    assert changes is not None
    removed = [line for line in changes.splitlines() if line.startswith("-  ")]
    assert len(removed) == 1
    assert "macos-latest" in removed[0]


@pytest.mark.parametrize("kind", ["edited", "foreign"])
def test_other_contents_are_replaced_by_force_only(kind: str, root: Path) -> None:
    path = root / WORKFLOW
    update_workflow(root, force=False)
    original = path.read_bytes()
    mine = original.replace(b"[main]", b"[trunk]") if kind == "edited" else b"name: mine\n"
    path.write_bytes(mine)
    with pytest.raises(BuildError, match=WORKFLOW) as caught:
        update_workflow(root, force=False)
    assert "--force" in str(caught.value.hint)
    assert path.read_bytes() == mine
    update_workflow(root, force=True)
    assert path.read_bytes() == original


def test_a_checkout_with_windows_line_ends_is_not_an_edit(root: Path) -> None:
    update_workflow(root, force=False)
    path = root / WORKFLOW
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert update_workflow(root, force=False) is None


@pytest.mark.parametrize("text", [None, "", '[build-system]\nrequires = ["setuptools"]\n'])
def test_a_project_without_the_plugin_is_rejected(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(BuildError, match=r"build-system\.requires"):
        update_workflow(tmp_path, force=True)
    assert not (tmp_path / ".github").exists()


def test_missing_tables_are_returned(root: Path) -> None:
    tables = missing_tables(root)
    assert tables is not None
    assert "[tool.cibuildwheel]" in tables
    (root / "setup.py").write_text("TVMFFIExtension('pkg.lib', ['csrc/*.cu'])")
    assert "before-all" in (missing_tables(root) or "")


def test_the_tables_fit_the_project(root: Path) -> None:
    """A project without tests gets no lines about tests."""
    assert "test-" not in (missing_tables(root) or "")
    (root / "tests").mkdir()
    tables = missing_tables(root) or ""
    assert 'test-requires = ["pytest"]\ntest-sources = ["tests"]' in tables
    (root / "pyproject.toml").write_text(PYPROJECT + '[dependency-groups]\ndev = ["pytest"]\n')
    assert 'test-groups = ["dev"]' in (missing_tables(root) or "")
