# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from setuptools_tvm_ffi.ffi.generated_imports import failures

BLOCK = "# tvm-ffi-stubgen(begin): global/pkg_x\n"
END = "# tvm-ffi-stubgen(end)\n"
LOAD = 'from tvm_ffi_x import libinfo\nLIB = libinfo.load_lib_module("dist", "ops")\n'


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def tvm_ffi(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A fake module that records the loaded libraries."""

    def installed(package: str, target: str) -> str:
        raise RuntimeError(f"{package} {target} is not installed")

    loaded: list[str] = []
    made = SimpleNamespace(
        libinfo=SimpleNamespace(load_lib_module=installed), load_module=loaded.append, loaded=loaded
    )
    monkeypatch.setitem(sys.modules, "tvm_ffi_x", made)  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return made


def found(tvm_ffi: Any, tmp_path: Path, staged: dict[str, str], source: dict[str, str]) -> Any:
    write(tmp_path / "staging", staged)
    write(tmp_path / "source", source)
    request = {
        "staging": str(tmp_path / "staging"),
        "folders": {"pkg_x": str(tmp_path / "source" / "pkg_x")},
        "libraries": ["/build/libother.so", "/build/libops.so"],
    }
    return [(f["file"], f["line"], f["message"]) for f in failures(tvm_ffi, request)]


def test_a_sound_module_loads_the_built_library_and_modules_of_the_source_tree(
    tvm_ffi: Any, tmp_path: Path
) -> None:
    staged = {
        "pkg_x/__init__.py": "from .helper import four\n",
        "pkg_x/_ffi_api.py": f"{LOAD}{BLOCK}from pkg_x import four\n{END}",
    }
    assert found(tvm_ffi, tmp_path, staged, {"pkg_x/helper.py": "four = 4\n"}) == []
    assert tvm_ffi.loaded == ["/build/libops.so"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("undefined()", "NameError: name 'undefined'"),
        ("from tvm_ffi_x import IntEnum", "ImportError: cannot import name 'IntEnum'"),
        ("from pkg_x.missing import a", "ModuleNotFoundError: No module named 'pkg_x.missing'"),
    ],
)
def test_an_error_is_reported_with_its_line(
    tvm_ffi: Any, tmp_path: Path, line: str, message: str
) -> None:
    staged = {
        "pkg_x/__init__.py": "from . import api\n",
        "pkg_x/api.py": f"{BLOCK}{line}\n{END}",
    }
    ((file, number, text),) = found(tvm_ffi, tmp_path, staged, {})
    assert (file, number) == ("pkg_x/api.py", 2)
    assert text.startswith(message)


@pytest.mark.parametrize("init", ["import not_installed\n", "from . import broken\n"])
def test_a_generated_module_is_checked_if_the_package_itself_cannot_be_imported(
    tvm_ffi: Any, tmp_path: Path, init: str
) -> None:
    staged = {"pkg_x/__init__.py": init, "pkg_x/_ffi_api.py": f"{BLOCK}undefined\n{END}"}
    source = {"pkg_x/broken.py": "1 / 0\n"}
    ((file, _, _),) = found(tvm_ffi, tmp_path, staged, source)
    assert file == "pkg_x/_ffi_api.py"
    (tmp_path / "staging/pkg_x/_ffi_api.py").write_text(BLOCK + END)
    assert found(tvm_ffi, tmp_path, {}, {}) == []
