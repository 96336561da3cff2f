# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.child_python import run_module, safe_path, start_python

REPORT = """\
import argparse, importlib.util, json, sys
print(json.dumps({
    "modules": [argparse.__file__, json.__file__, importlib.util.find_spec("packaging").origin],
    "shadow": importlib.util.find_spec("only_in_the_project") is not None,
    "path": sys.path,
    "argv": sys.argv,
    "name": __name__,
}))
"""


def run_file(file: Path, *, root: Path, sent: str = "") -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryFile() as messages:
        child = start_python(file, root=root, messages=messages)
        printed, _ = child.communicate(sent)
        messages.seek(0)
        errors = messages.read().decode()
    return subprocess.CompletedProcess([], child.returncode, printed, errors)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project whose files would shadow every module that a child imports."""
    root = tmp_path / "my project"
    root.mkdir()
    for name in ("json", "argparse", "packaging", "tvm_ffi", "runpy", "only_in_the_project"):
        (root / f"{name}.py").write_text("raise SystemExit('shadowed')\n", encoding="utf-8")
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    for entry in (str(root), "", ".", f"{root}{os.sep}."):
        monkeypatch.syspath_prepend(entry)
    return root


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "report me.py"
    file.write_text(REPORT, encoding="utf-8")
    return file


def test_a_child_imports_nothing_from_the_project(project: Path, report: Path) -> None:
    result = run_file(report, root=project)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert not told["shadow"]
    assert [file for file in told["modules"] if Path(file).is_relative_to(project)] == []


def test_a_child_has_the_import_path_of_the_build_otherwise(
    tmp_path: Path, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = tmp_path / "extra packages"
    extra.mkdir()
    monkeypatch.syspath_prepend(str(extra))
    root = tmp_path / "project"
    told = json.loads(run_file(report, root=root).stdout)
    assert told["path"] == [entry for entry in sys.path if entry not in {"", "."}]
    assert told["path"][0] == str(extra)


def test_output_is_utf8_and_the_status_is_the_childs(tmp_path: Path) -> None:
    file = tmp_path / "child.py"
    file.write_text(
        "import sys\nprint('中文')\nprint('ü', file=sys.stderr)\nsys.exit(7)\n", encoding="utf-8"
    )
    result = run_file(file, root=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (7, "中文\n", "ü\n")


def test_a_child_writes_no_bytecode_and_reads_its_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "child.py"
    file.write_text("import sys\nprint(sys.dont_write_bytecode, repr(sys.stdin.read()))\n")
    assert run_file(file, root=tmp_path, sent="grüße").stdout == "True 'grüße'\n"


def test_a_root_behind_a_symbolic_link_is_removed_from_the_path(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    path = [str(tmp_path / "link"), str(tmp_path / "real"), str(tmp_path / "other")]
    assert safe_path(path, tmp_path / "real") == [str(tmp_path / "other")]
    assert safe_path(path, tmp_path / "link") == [str(tmp_path / "other")]


def test_an_in_tree_backend_below_the_root_stays_importable(tmp_path: Path) -> None:
    backend = str(tmp_path / "backend/src")
    assert safe_path([str(tmp_path), backend], tmp_path) == [backend]


@pytest.fixture
def reporting_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    packages = tmp_path / "packages"
    (packages / "reporting").mkdir(parents=True)
    (packages / "reporting" / "__init__.py").touch()
    (packages / "reporting" / "__main__.py").write_text(REPORT, encoding="utf-8")
    monkeypatch.syspath_prepend(str(packages))
    return "reporting"


def test_a_module_runs_as_a_program_and_imports_nothing_from_the_project(
    project: Path, reporting_module: str, tmp_path: Path
) -> None:
    folder = tmp_path / "start"
    folder.mkdir()
    result = run_module(reporting_module, ["--all", "a b"], root=project, folder=folder)
    assert result.returncode == 0, result.stdout
    told = json.loads(result.stdout)
    assert (told["name"], told["argv"][1:]) == ("__main__", ["--all", "a b"])
    assert told["argv"][0].endswith(os.path.join("reporting", "__main__.py"))
    assert not told["shadow"]
    assert [file for file in told["modules"] if Path(file).is_relative_to(project)] == []


def test_the_iteration_order_of_sets_is_reproducible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ordered.py").write_text("print({f'name{i}' for i in range(9)})\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    folder = tmp_path / "start"
    folder.mkdir()
    one, two = (run_module("ordered", [], root=folder, folder=folder) for _ in range(2))
    assert "name8" in one.stdout
    assert one.stdout == two.stdout


def test_a_module_gets_variables_and_returns_status_and_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import os, sys\nprint(os.environ['A'], sys.stdin.read(), flush=True)\n"
        "print('ü', file=sys.stderr)\nsys.exit(3)\n"
    )
    (tmp_path / "ending.py").write_text(program, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "start"
    folder.mkdir()
    result = run_module("ending", [], root=folder, folder=folder, variables={"A": "中文"})
    assert (result.returncode, result.stdout) == (3, "中文 \nü\n")
