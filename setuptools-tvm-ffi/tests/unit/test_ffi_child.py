# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi.ffi.child import defines_library, drop_second_library

REQUEST = {"distribution": "my-dist", "target": "my_lib"}
LIB = 'LIB = _FFI_LOAD_LIB("my-dist", "my_lib")\n'
IMPORT = "# tvm-ffi-stubgen(import-object): tvm_ffi.libinfo.load_lib_module;False;_FFI_LOAD_LIB\n"
OWN_LIB = "from tvm_ffi.libinfo import load_lib_module\nLIB = load_lib_module('my-dist', 'x')\n"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    return tmp_path / "_ffi_api.py"


def drop(module: Path, before: str, after: str) -> bool:
    module.write_text(after, encoding="utf-8")
    return drop_second_library(module, before, REQUEST)


@pytest.mark.parametrize(
    "source",
    [
        "LIB = load()\n",
        "A = LIB = load()\n",
        "LIB: Module = load()\n",
        "from ._library import LIB\n",
        "from ._library import library as LIB\n",
        "import x.library as LIB\n",
        "'''Text.'''\nx = 1\nLIB = load()\ny = 2\n",
    ],
)
def test_a_module_that_binds_lib_defines_the_library(source: str) -> None:
    assert defines_library(source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "LIBRARY = 1\n",
        "lib = 1\n",
        "x.LIB = 1\n",
        "LIB\n",
        "LIB == 1\n",
        "# LIB = load()\n",
        "'''\nLIB = load()\n'''\n",
        "def f():\n    LIB = load()\n",
        "class A:\n    LIB = load()\n",
        "from LIB import x\n",
        "from x import LIB as lib\n",
        "LIB = = 1\n",
    ],
)
def test_a_module_that_does_not_bind_lib_defines_none(source: str) -> None:
    assert not defines_library(source)


def test_an_annotation_alone_binds_nothing() -> None:
    assert not defines_library("LIB: Module\n")


def test_an_appended_second_library_is_removed(module: Path) -> None:
    after = f"{IMPORT}{OWN_LIB}# generated\n{LIB}x = 1\n"
    assert drop(module, OWN_LIB, after)
    assert module.read_text(encoding="utf-8") == f"{OWN_LIB}# generated\nx = 1\n"


def test_the_last_of_two_equal_lines_is_removed(module: Path) -> None:
    before = f"# first\n{IMPORT}{LIB}# mine\n"
    assert drop(module, before, f"{before}{IMPORT}{LIB}# tail\n")
    assert module.read_text(encoding="utf-8") == f"{before}# tail\n"


def test_a_module_without_a_library_keeps_the_appended_one(module: Path) -> None:
    after = f"x = 1\n{IMPORT}{LIB}"
    assert not drop(module, "x = 1\n", after)
    assert module.read_text(encoding="utf-8") == after


def test_nothing_is_removed_if_nothing_was_appended(module: Path) -> None:
    before = f"{IMPORT}{LIB}"
    assert not drop(module, before, f"{before}x = 1\n")
    assert module.read_text(encoding="utf-8") == f"{before}x = 1\n"


def test_a_library_of_another_name_is_left_alone(module: Path) -> None:
    after = f'{OWN_LIB}LIB = _FFI_LOAD_LIB("my-dist", "other")\n'
    assert not drop(module, OWN_LIB, after)
    assert module.read_text(encoding="utf-8") == after


LOADING = """\
import sys
from setuptools_tvm_ffi.ffi import child

print(child.load_library(sys.argv[1], sys.argv[2:]).answer())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="names of ELF libraries")
def test_stand_ins_replace_missing_libraries_of_a_toolkit_and_its_driver(
    tmp_path: Path,
) -> None:
    (tmp_path / "driver.c").write_text("int driver(void) { return 1; }\n")
    (tmp_path / "blas.c").write_text("int driver(void);\nint blas(void) { return driver(); }\n")
    (tmp_path / "library.c").write_text("int answer(void) { return 42; }\n")
    shared = ("cc", "-shared", "-fPIC", "-o")
    for command in (
        ("mkdir", "stubs", "toolkit", "empty"),
        # The file name of a stub of the driver has no version.
        (*shared, "stubs/libdriver.so", "driver.c", "-Wl,-soname,libdriver.so.1"),
        (
            *shared,
            "toolkit/libblas.so.2",
            "blas.c",
            "-Wl,-soname,libblas.so.2",
            "-Lstubs",
            "-ldriver",
        ),
        (*shared, "library.so", "library.c", "-Wl,--no-as-needed", "toolkit/libblas.so.2"),
    ):
        subprocess.run(command, cwd=tmp_path, check=True)

    def load(*stand_ins: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", LOADING, tmp_path / "library.so", *stand_ins]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    stubs, toolkit, empty = (tmp_path / name for name in ("stubs", "toolkit", "empty"))
    assert load(empty, stubs, toolkit).stdout == "42\n"
    for stand_ins, missing in (((), "libblas.so.2"), ((empty, toolkit), "libdriver.so.1")):
        refused = load(*stand_ins)
        assert refused.returncode != 0
        assert f"{missing}: cannot open shared object file" in refused.stderr


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("import time; time.sleep(60)", "Timeout"),
        ("import ctypes; ctypes.string_at(0)", "Segmentation fault"),
    ],
)
def test_a_package_that_waits_or_crashes_ends_the_child_with_its_place(
    tmp_path: Path, code: str, printed: str
) -> None:
    init = tmp_path / "pkg_x" / "__init__.py"
    init.parent.mkdir()
    init.write_text(f"# tvm-ffi-stubgen(begin): global/pkg_x\n{code}\n# tvm-ffi-stubgen(end)\n")
    request = {"staging": str(tmp_path), "folders": {"pkg_x": "."}, "libraries": []}
    program = (
        "from types import SimpleNamespace\n"
        "from setuptools_tvm_ffi.ffi import child\n"
        "child.IMPORT_SECONDS = 0.5\n"
        "tvm_ffi = SimpleNamespace(libinfo=SimpleNamespace(load_lib_module=None))\n"
        f"child.import_generated(tvm_ffi, {request!r})\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode != 0
    assert printed in result.stderr
    assert f'File "{init}", line 2' in result.stderr
