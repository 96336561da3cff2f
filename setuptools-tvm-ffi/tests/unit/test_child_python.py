# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi.child_python import run_file, run_module, safe_path

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


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project whose files shadow what a child imports, from inside and in every way."""
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
    result = run_file(report, [], root=project)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert not told["shadow"]
    assert [file for file in told["modules"] if Path(file).is_relative_to(project)] == []


@pytest.mark.skipif(
    importlib.util.find_spec("tvm_ffi") is None, reason="apache-tvm-ffi is not installed"
)
def test_a_child_takes_tvm_ffi_from_the_environment_that_builds(project: Path) -> None:
    result = run_module("tvm_ffi.config", ["--includedir"], root=project)
    assert result.returncode == 0, result.stderr
    assert not Path(result.stdout.strip()).is_relative_to(project)
    assert Path(result.stdout.strip()).is_dir()


def test_a_child_has_the_import_path_of_the_build_otherwise(
    tmp_path: Path, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = tmp_path / "extra packages"
    extra.mkdir()
    monkeypatch.syspath_prepend(str(extra))
    root = tmp_path / "project"
    told = json.loads(run_file(report, [], root=root).stdout)
    assert told["path"] == [entry for entry in sys.path if entry not in {"", "."}]
    assert told["path"][0] == str(extra)


ARGUMENTS = ["a b", "", "--flag=x", "ü'\"$HOME", "-h", "line\nbreak"]


def test_arguments_reach_a_file_as_they_are(tmp_path: Path, report: Path) -> None:
    told = json.loads(run_file(report, ARGUMENTS, root=tmp_path).stdout)
    assert told["argv"] == [str(report), *ARGUMENTS]
    assert told["name"] == "__main__"


def test_arguments_reach_a_module_as_they_are(
    tmp_path: Path, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "modules" / "reporting.py"
    module.parent.mkdir()
    module.write_bytes(report.read_bytes())
    monkeypatch.syspath_prepend(str(module.parent))
    told = json.loads(run_module("reporting", ARGUMENTS, root=tmp_path / "project").stdout)
    assert told["argv"] == [str(module), *ARGUMENTS]
    assert told["name"] == "__main__"


def test_output_is_utf8_and_the_status_is_the_childs(tmp_path: Path) -> None:
    file = tmp_path / "child.py"
    file.write_text(
        "import sys\nprint('中文')\nsys.stdout.flush()\nsys.stdout.buffer.write(b'\\xff')\n"
        "print('ü', file=sys.stderr)\nsys.exit(7)\n",
        encoding="utf-8",
    )
    result = run_file(file, [], root=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (7, "中文\n\ufffd", "ü\n")


def test_a_child_writes_no_bytecode_and_reads_nothing(tmp_path: Path) -> None:
    file = tmp_path / "child.py"
    file.write_text("import sys\nprint(sys.dont_write_bytecode, repr(sys.stdin.read()))\n")
    assert run_file(file, [], root=tmp_path).stdout == "True ''\n"


def test_a_root_behind_a_symbolic_link_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    path = [str(tmp_path / "link"), str(tmp_path / "real"), str(tmp_path / "other")]
    assert safe_path(path, tmp_path / "real") == [str(tmp_path / "other")]
    assert safe_path(path, tmp_path / "link") == [str(tmp_path / "other")]


def test_an_in_tree_backend_below_the_root_stays_importable(tmp_path: Path) -> None:
    backend = str(tmp_path / "backend/src")
    assert safe_path([str(tmp_path), backend], tmp_path) == [backend]
