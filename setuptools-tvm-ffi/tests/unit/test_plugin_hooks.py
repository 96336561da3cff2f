# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import setuptools
from setuptools_tvm_ffi.plugin.hooks import build_wheel, rebuild_editable

PACKAGE = "setuptools_tvm_ffi."
PYPROJECT = """\
[[tool.setuptools-tvm-ffi.ext-modules]]
name = "pkg.ops"
sources = ["a.c"]
"""


# The frontend calls this hook before each build of a wheel.
PREPARE = """\
import gc
import sys
from setuptools_tvm_ffi import build_meta
print(build_meta.prepare_metadata_for_build_wheel(sys.argv[1]))
print(gc.isenabled(), gc.get_freeze_count() > 10_000)
print(*(name for name in sys.modules if name.startswith("setuptools_tvm_ffi.")))
"""


def test_preparing_metadata_imports_only_what_it_needs_and_freezes_it(tmp_path: Path) -> None:
    project = '[project]\nname = "p"\nversion = "1"\ndynamic = ["dependencies"]\n'
    (tmp_path / "pyproject.toml").write_text(project + PYPROJECT)
    for name in ("pkg", "dist"):
        (tmp_path / name).mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    output = subprocess.run(
        [sys.executable, "-c", PREPARE, "dist"],
        cwd=tmp_path,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout
    *_, folder, collector, modules = output.splitlines()
    assert collector == "True True"
    assert (
        "Requires-Dist: apache-tvm-ffi<0.2" in (tmp_path / "dist" / folder / "METADATA").read_text()
    )
    assert "setuptools_tvm_ffi.plugin.commands.dist_info" in modules.split()
    unneeded = ("toolchains", "building.libraries", "stubs", "project.source_scan", "records.sbom")
    assert not [m for m in modules.split() if m.startswith(tuple(map(PACKAGE.__add__, unneeded)))]


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


@pytest.mark.parametrize("is_direct", [True, False])
def test_a_missing_import_of_setup_py_is_reported(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    is_direct: bool,
) -> None:
    """If another module lacks the import, its traceback is needed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "no_such_package", raising=False)
    Path("pyproject.toml").write_text(PYPROJECT)
    Path("helper.py").write_text("import no_such_package\n")
    Path("setup.py").write_text(
        "\nimport no_such_package"
        if is_direct
        else "import sys; sys.path.append('.')\nimport helper"
    )
    with pytest.raises(SystemExit if is_direct else ModuleNotFoundError):
        build_wheel(".")
    printed = capsys.readouterr().err
    if is_direct:
        assert "error: setup.py, line 2: No module named 'no_such_package'" in printed
        assert "build-system.requires" in printed
        Path("no_such_package.py").touch()
        with pytest.raises(SystemExit):
            build_wheel(".")
        hint = re.search(r"hint: .*: (import os, sys; .*)", capsys.readouterr().err)
        assert hint is not None
        Path("setup.py").write_text(f"{hint[1]}\nimport no_such_package\nraise SystemExit(3)")
        with pytest.raises(SystemExit, match="3"):
            build_wheel(".")
