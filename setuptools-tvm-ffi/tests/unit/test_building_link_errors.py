# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.binaries.python_symbols import is_python_symbol
from setuptools_tvm_ffi.building.link_errors import (
    check_no_python_symbols,
    link_failure,
    undefined_symbols,
)
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.settings.declaration import Declaration
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain
from setuptools_tvm_ffi.toolchains.msvc import MsvcToolchain

OPS = ExtensionSettings(
    "pkg.ops", ("a.cc",), declaration=Declaration("pyproject.toml: tool.x[0]", in_toml=True)
)

needs_gxx = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("g++") is None or shutil.which("nm") is None,
    reason="no g++ and nm for ELF on PATH",
)

GNU_LD = """\
[3/3] link libops.so
FAILED: [code=1] build/libops.so
g++ -o build/libops.so @build/libops.so.rsp -shared -Wl,-z,defs
/usr/bin/ld: build/a.o: in function `h':
a.cpp:(.text+0x19): undefined reference to `n::g(char const*, int)'
/usr/bin/ld: a.cpp:(.text+0x2d): undefined reference to `n::g(char const*, int)'
/usr/bin/ld: a.cpp:(.text+0x37): undefined reference to `f(int)'
/usr/bin/ld: build/a.o: in function `std::function<int ()>::operator()() const':
a.cpp:(.text+0x43): undefined reference to `operator<<(std::ostream&, It's)'
collect2: error: ld returned 1 exit status
"""
GOLD = """\
/project/a.cpp:2: error: undefined reference to 'n::g(char const*, int)'
/project/a.cpp:2: error: undefined reference to 'n::g(char const*, int)'
/project/a.cpp:3: error: undefined reference to 'f(int)'
collect2: error: ld returned 1 exit status
"""
LLD = """\
ld.lld: error: undefined symbol: n::g(char const*, int)
>>> referenced by a.cpp:2
>>>               build/a.o:(h)
>>> referenced by a.cpp:3
ld.lld: error: undefined symbol: f(int)
>>> referenced by a.cpp:4
clang++: error: linker command failed with exit code 1
"""
LD64 = """\
Undefined symbols for architecture arm64:
  "n::g(char const*, int)", referenced from:
      _h in a.o
      _k in a.o
  "_f", referenced from:
      _h in a.o
ld: symbol(s) not found for architecture arm64
clang++: error: linker command failed with exit code 1
"""
LINK_C = """\
a.obj : error LNK2019: unresolved external symbol f referenced in function h
b.obj : error LNK2001: unresolved external symbol g
b.obj : error LNK2001: unresolved external symbol f
ops.dll : fatal error LNK1120: 2 unresolved externals
"""
LINK_CXX = """\
a.obj : error LNK2019: unresolved external symbol "int __cdecl f(int)" (?f@@YAHH@Z) referenced in \
function h
ops.dll : fatal error LNK1120: 1 unresolved externals
"""


@pytest.mark.parametrize(
    ("output", "names"),
    [
        (GNU_LD, ("n::g(char const*, int)", "f(int)", "operator<<(std::ostream&, It's)")),
        (GOLD, ("n::g(char const*, int)", "f(int)")),
        (LLD, ("n::g(char const*, int)", "f(int)")),
        (LD64, ("n::g(char const*, int)", "_f")),
        (LINK_C, ("f", "g")),
    ],
    ids=["GNU ld", "gold", "lld", "ld64", "link.exe"],
)
def test_each_undefined_symbol_is_read_once_in_the_linkers_order(
    output: str, names: tuple[str, ...]
) -> None:
    assert undefined_symbols(output) == names


def test_a_cxx_symbol_in_link_exe_output_is_read_completely() -> None:
    (name,) = undefined_symbols(LINK_CXX)
    assert name in {
        "int __cdecl f(int)",
        "?f@@YAHH@Z",
        '"int __cdecl f(int)" (?f@@YAHH@Z)',
    }


@pytest.mark.parametrize("linker", ["bfd", "gold", "lld"])
@needs_gxx
def test_the_output_of_installed_linkers_is_parsed(tmp_path: Path, linker: str) -> None:
    if shutil.which(f"ld.{linker}") is None:
        pytest.skip(f"no ld.{linker} on PATH")
    (tmp_path / "a.cpp").write_text(
        'namespace n { void g(const char*); }\nextern "C" long PyLong_FromLong(long);\n'
        'extern "C" int h() { n::g(""); return PyLong_FromLong(1); }\n',
        encoding="utf-8",
    )
    result = subprocess.run(
        ["g++", f"-fuse-ld={linker}", "-fPIC", "-shared", "-Wl,-z,defs", "a.cpp", "-o", "a.so"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert result.returncode != 0
    assert undefined_symbols(result.stderr) == ("n::g(char const*)", "PyLong_FromLong")


@pytest.mark.parametrize(
    "output",
    [
        "",
        "a.cpp:1: warning: there is an undefined reference to be had\n",
        "multiple definition of `f'; a.o: first defined here\n",
        "LINK : fatal error LNK1181: cannot open input file 'z.lib'\n",
    ],
)
def test_another_failure_has_no_undefined_symbols(output: str) -> None:
    assert undefined_symbols(output) == ()
    assert link_failure(OPS, output) is None


@pytest.mark.parametrize(
    "name",
    [
        "PyLong_FromLong",
        "_Py_Dealloc",
        "Py_Initialize",
        "_PyObject_New",
        "PyExc_ValueError",
        "_Py_NoneStruct",
        "_PyLong_FromLong",
        "__Py_Dealloc",
        "PyLong_FromLong@LIBPYTHON",
        "__imp_PyLong_FromLong",
        "__imp__Py_Dealloc",
    ],
)
def test_a_cpython_symbol_is_recognized(name: str) -> None:
    assert is_python_symbol(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "_",
        "Py",
        "Pyramid",
        "py_init",
        "TVMFFIPyObject",
        "MyPy_Function",
        "__tvm_ffi_PyLong_FromLong",
        "PyTree::flatten(int)",
        "_ZN2ns8PyObjectC1Ev",
        "malloc@GLIBC_2.2.5",
        "Pyjamas_On",
    ],
)
def test_a_symbol_that_resembles_a_cpython_symbol_is_not_recognized_as_one(name: str) -> None:
    assert not is_python_symbol(name)


def test_one_undefined_symbol_is_named_with_a_hint() -> None:
    error = link_failure(OPS, "a.o: undefined reference to `f(int)'\n")
    assert error is not None
    assert error.message == "library 'pkg.ops': undefined symbol 'f(int)'"
    assert error.hint is not None
    assert error.hint.startswith("add the source that defines the symbol to 'sources'")


def test_after_five_undefined_symbols_the_error_counts_the_others() -> None:
    output = "".join(f"a.o: undefined reference to `f{n}'\n" for n in range(8))
    error = link_failure(OPS, output)
    assert error is not None
    assert error.message == (
        "library 'pkg.ops': undefined symbols 'f0', 'f1', 'f2', 'f3', 'f4' and 3 more"
    )


def test_five_undefined_symbols_are_all_named() -> None:
    output = "".join(f"a.o: undefined reference to `f{n}'\n" for n in range(5))
    error = link_failure(OPS, output)
    assert error is not None
    assert error.message == "library 'pkg.ops': undefined symbols 'f0', 'f1', 'f2', 'f3', 'f4'"


@pytest.mark.parametrize(
    ("output", "symbol"),
    [
        (
            "a.o: undefined reference to `f'\nundefined reference to `PyLong_FromLong'\n",
            "PyLong_FromLong",
        ),
        ("ld.lld: error: undefined symbol: _Py_Dealloc\n", "_Py_Dealloc"),
        ('  "_PyLong_FromLong", referenced from:\n', "_PyLong_FromLong"),
        (
            "a.obj : error LNK2019: unresolved external symbol __imp_PyLong_FromLong referenced in "
            "function h\n",
            "PyLong_FromLong",
        ),
    ],
    ids=["GNU ld", "lld", "ld64", "link.exe"],
)
def test_an_undefined_cpython_symbol_has_its_own_error(output: str, symbol: str) -> None:
    error = link_failure(OPS, output)
    assert error is not None
    assert error.message.startswith("library 'pkg.ops': needs the CPython symbol '")
    assert symbol in error.message
    assert error.hint is not None
    assert "Python.h" in error.hint
    assert "libpython" in error.hint


def toolchain(*command: str) -> GnuToolchain:
    compiler = Compiler(command or ("g++",), "gcc", "")
    return GnuToolchain({"cxx": compiler}, "linux", "/", EnvironmentFlags())


def build(folder: Path, source: str) -> Path:
    library = folder / "liblib.so"
    subprocess.run(
        ["g++", "-shared", "-fPIC", "-x", "c++", "-", "-o", library],
        input=source.encode(),
        check=True,
    )
    return library


@needs_gxx
def test_a_library_that_refers_to_cpython_symbols_is_rejected(tmp_path: Path) -> None:
    source = (
        'extern "C" { long PyLong_FromLong(long); void _Py_Dealloc(void*); int puts(char*); }\n'
    )
    source += "long f(char* s) { _Py_Dealloc(s); return PyLong_FromLong(puts(s)); }\n"
    with pytest.raises(BuildError) as caught:
        check_no_python_symbols(build(tmp_path, source), "pkg.lib", toolchain())
    assert caught.value.message == (
        "library 'pkg.lib': needs the CPython symbols 'PyLong_FromLong', '_Py_Dealloc'"
    )


@needs_gxx
def test_a_library_that_defines_names_like_cpythons_is_accepted(tmp_path: Path) -> None:
    library = build(tmp_path, 'extern "C" int PyMine_F(int n) { return n; }\n')
    check_no_python_symbols(library, "pkg.lib", toolchain())


@needs_gxx
def test_a_file_that_is_not_a_library_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "liblib.so").write_text("text", encoding="utf-8")
    with pytest.raises(BuildError, match=r"^library 'pkg\.lib': .*\bnm\b.*liblib\.so"):
        check_no_python_symbols(tmp_path / "liblib.so", "pkg.lib", toolchain())


@needs_gxx
def test_if_nm_is_missing_the_error_names_the_package_that_contains_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = build(tmp_path, "int f() { return 1; }\n")
    compiler = tmp_path / "bin/c++"
    compiler.parent.mkdir()
    compiler.write_text("#!/bin/sh\necho nm\n", encoding="utf-8")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BuildError) as caught:
        check_no_python_symbols(library, "pkg.lib", toolchain("c++"))
    assert re.search(r"\bnm\b", caught.value.message)
    assert "binutils" in (caught.value.hint or "")


def test_a_windows_library_is_not_read(tmp_path: Path) -> None:
    tools = MsvcToolchain({"cxx": Compiler(("cl",), "msvc", "")}, "link", EnvironmentFlags())
    check_no_python_symbols(tmp_path / "missing.dll", "pkg.lib", tools)


@pytest.mark.parametrize(
    "output",
    [
        "/usr/bin/ld: cannot find -lcuda: No such file or directory\n",
        "ld.lld: error: unable to find library -lcuda\n",
        "ld: library not found for -lcuda\n",
    ],
)
def test_a_missing_library_is_named_with_the_settings(output: str) -> None:
    error = link_failure(OPS, output)
    assert error is not None
    assert "'cuda'" in error.message
    assert "cuda-toolkit" in str(error.hint)


@pytest.mark.parametrize(
    ("output", "in_toml", "in_python"),
    [
        ("ld: cannot find -lcuda\n", "set cuda-toolkit = true", "set cuda_toolkit=True"),
        ("ld: cannot find -lz\n", "to 'library-dirs'", "to 'library_dirs'"),
        (
            "undefined reference to `TVMFFIErrorSet'\n",
            *("remove 'link-shared = false'", "remove 'link_shared=False'"),
        ),
    ],
)
def test_a_hint_spells_a_setting_as_the_project_does(
    output: str, in_toml: str, in_python: str
) -> None:
    for settings, text in ((OPS, in_toml), (ExtensionSettings("pkg.ops", ("a.cc",)), in_python)):
        error = link_failure(settings, output)
        assert error is not None
        assert text in str(error.hint)


def test_relocatable_device_code_that_is_not_linked_is_recognised() -> None:
    symbol = "__cudaRegisterLinkedBinary_6ed4a27f_4_a_cu_8f3a1c5e"
    error = link_failure(OPS, f"a.cu: undefined reference to `{symbol}'\n")
    assert error is not None
    assert "cuda-separable-compilation" in str(error.hint)
