# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.binaries.binary import Binary, BinaryReader
from setuptools_tvm_ffi.ffi.reflection import elf_symbols
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags, LinkUnit, input_symbols
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain
from setuptools_tvm_ffi.toolchains.input_symbols import InputSymbols, read_input_symbols

SDK = TVMFFISdk(Version("0.1.15"), (), "sdk", "libtvm_ffi.so")
NO_FLAGS = EnvironmentFlags()
GCC = {"c": Compiler(("gcc",), "gcc", "gcc")}
HELPER = """
int helper(void) { return 2; }
int data = 1;
int __tvm_ffi_f(void) { return helper(); }
const char __tvm_ffi__cubin_x[4] = {1, 2, 3, 4};
void *__tvm_ffi__library_ctx = 0;
"""
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on PATH")


def settings(**values: object) -> ExtensionSettings:
    return ExtensionSettings(name="pkg.ops", sources=("a.c",), **values)  # type: ignore[arg-type]


def found(settings: ExtensionSettings, root: Path, flags: EnvironmentFlags = NO_FLAGS) -> object:
    return read_input_symbols([settings], root, GCC, flags)["pkg.ops"]


def run(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True)


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    (tmp_path / "helper.c").write_text(HELPER)
    (tmp_path / "plain.c").write_text("int plain(void) { return 3; }")
    run("gcc", "-fPIC", "-c", "helper.c", "plain.c", folder=tmp_path)
    run("ar", "rcs", "libhelper.a", "helper.o", folder=tmp_path)
    run("ar", "rcs", "libplain.a", "plain.o", folder=tmp_path)
    return tmp_path


@needs_gcc
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"extra_objects": ("helper.o", "libplain.a")},
            InputSymbols(hidden=("__tvm_ffi__cubin_x", "data", "helper")),
        ),
        (
            {"extra_objects": ("libhelper.a", "plain.o")},
            InputSymbols(
                hidden=("__tvm_ffi__cubin_x", "data", "helper", "plain"),
                exporting=("libhelper.a",),
                archived=("__tvm_ffi__library_ctx", "__tvm_ffi_f"),
            ),
        ),
        (
            {"extra_objects": ("helper.o", "libhelper.a"), "exclude_libs": False},
            InputSymbols(archived=("__tvm_ffi__library_ctx", "__tvm_ffi_f")),
        ),
    ],
)
def test_prebuilt_inputs_add_only_functions_for_tvm_ffi_to_the_exports(
    objects: Path, values: dict[str, object], expected: InputSymbols
) -> None:
    assert found(settings(**values), objects) == expected


@needs_gcc
def test_nm_is_looked_up_once(objects: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr(input_symbols, "find_nm", lambda _: calls.append(_) or "nm")
    both = [settings(extra_objects=("helper.o", "plain.o")), settings(extra_objects=("plain.o",))]
    read_input_symbols(both, objects, GCC, NO_FLAGS)
    read_input_symbols([settings()], objects, GCC, NO_FLAGS)
    assert len(calls) == 1


@pytest.mark.skipif(shutil.which("nm") is None, reason="no nm on PATH")
def test_a_compiler_may_print_bytes_that_are_not_text(tmp_path: Path) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\nprintf 'caf\\351\\n' >&2\necho nm\n")
    compiler.chmod(0o755)
    assert input_symbols.find_nm({"c": Compiler((str(compiler),), "gcc", "gcc")})


@needs_gcc
def test_an_unreadable_object_is_named_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "a.o").write_text("no object")
    with pytest.raises(BuildError, match=r"extra_objects: .*a\.o"):
        found(settings(extra_objects=("a.o",)), tmp_path)


@needs_gcc
def test_an_object_that_a_command_has_not_written_yet_has_no_symbols(tmp_path: Path) -> None:
    assert found(settings(extra_objects=("later.o",)), tmp_path).hidden == ()


@pytest.mark.parametrize(
    "flag",
    [
        "-Wl,--version-script=exports.map",
        "-Wl,-z,now,--version-script,exports.map",
        "-Wl,-exported_symbols_list,exports.txt",
        "@link.rsp",
        "-Wl,-z,now,@link.rsp",
        "layout.ld",
        "-Wl,-T,layout.ld",
    ],
)
def test_a_symbol_list_of_the_project_is_found_in_all_link_flags(tmp_path: Path, flag: str) -> None:
    (tmp_path / "link.rsp").write_text("-Wl,-z,now\n@more.rsp @missing.rsp @link.rsp")
    (tmp_path / "more.rsp").write_text("-Wl,--version-script=exports.map")
    (tmp_path / "layout.ld").write_text("VERSION { V1 { local: *; }; }")
    expected = InputSymbols(has_symbol_list=True)
    assert found(settings(extra_link_args=(flag,)), tmp_path) == expected
    assert found(settings(), tmp_path, EnvironmentFlags(ldflags=(flag,))) == expected
    assert found(settings(extra_link_args=("-Wl,-z,now",)), tmp_path) == InputSymbols()


def linked(
    settings: ExtensionSettings, folder: Path, sdk: TVMFFISdk, reader: BinaryReader
) -> Binary:
    """Link ``a.o`` with the flags of the toolchain, and read the library."""
    inputs = read_input_symbols([settings], folder, GCC, NO_FLAGS)
    toolchain = GnuToolchain(GCC, "linux", str(folder), NO_FLAGS, inputs=inputs)
    for name, content in toolchain.support_files().items():
        (folder / name).write_text(content)
    (folder / "a.rsp").write_text("a.o")
    unit = LinkUnit(("a.o",), frozenset({"c"}), "liba.so", "a.rsp")
    flags = toolchain.link_flags(settings, sdk, unit, ".")
    run(*toolchain.link_command(flags, unit), folder=folder)
    (binary,) = reader.read_all([("liba.so", (folder / "liba.so").read_bytes())], "test")
    return binary


@needs_gcc
@pytest.mark.skipif(shutil.which("ld") is None, reason="no GNU ld on PATH")
@pytest.mark.parametrize(
    ("values", "exported"),
    [
        ({"extra_objects": ("helper.o",)}, {"__tvm_ffi_f", "own"}),
        ({"extra_objects": ("libhelper.a", "libplain.a")}, {"__tvm_ffi_f", "own"}),
        (
            {
                "extra_objects": ("helper.o",),
                "extra_link_args": ("-Wl,--version-script=exports.map",),
            },
            {"__tvm_ffi_f"},
        ),
        (
            {"extra_objects": ("helper.o",), "extra_link_args": ("-Wl,--dynamic-list=own.list",)},
            {"__tvm_ffi_f", "own"},
        ),
        *(
            (
                {"extra_objects": ("libhelper.a",), "library_dirs": (".",), **values},
                {"__tvm_ffi_f", "own"},
            )
            for values in (
                {"libraries": ("plain",)},
                {"libraries": (":libplain.a",)},
                {"extra_link_args": ("-lplain",)},
                {"extra_link_args": ("-Wl,--whole-archive,./libplain.a,--no-whole-archive",)},
            )
        ),
    ],
)
def test_a_linked_library_exports_its_own_symbols_and_functions_for_tvm_ffi(
    objects: Path, reader: BinaryReader, values: dict[str, object], exported: set[str]
) -> None:
    declarations = "int plain(void); int __tvm_ffi_f(void);"
    if "plain" not in str(values):
        declarations = "int __tvm_ffi_f(void); static int plain(void) { return 3; }"
    source = f"{declarations} int own(void) {{ return plain() + __tvm_ffi_f(); }}"
    (objects / "a.c").write_text(source)
    (objects / "exports.map").write_text("{ global: __tvm_ffi_f; local: *; };")
    (objects / "own.list").write_text("{ own; };")
    run("gcc", "-fPIC", "-c", "a.c", folder=objects)
    binary = linked(settings(link_shared=False, **values), objects, SDK, reader)
    assert {*binary.exported} - {"__tvm_ffi__library_ctx"} == exported


@needs_gcc
def test_only_functions_of_the_dynamic_symbols_are_functions(
    tmp_path: Path, reader: BinaryReader
) -> None:
    (tmp_path / "a.c").write_text(HELPER)
    run("gcc", "-shared", "-fPIC", "-o", "a.so", "a.c", folder=tmp_path)
    content = (tmp_path / "a.so").read_bytes()
    symbols = elf_symbols(content)
    assert symbols is not None
    data = {"data", "__tvm_ffi__cubin_x", "__tvm_ffi__library_ctx"}
    assert {name for name, is_function in symbols.items() if not is_function} == data
    assert {"helper", "__tvm_ffi_f"} <= symbols.keys()
    assert elf_symbols(b"MZ") is None
    (binary,) = reader.read_all([("a.so", content)], "test")
    assert set(binary.data) == data


@needs_gcc
@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ on PATH")
@pytest.mark.parametrize(
    ("files", "needed"),
    [
        (("plain.o",), False),
        (("exit.o",), False),
        (("caller.o", "callee.o"), False),
        (("caller.o",), True),
        (("thrower.o",), True),
        (("plain.o", "libthrower.a"), True),
    ],
)
@pytest.mark.parametrize("exclude_libs", [True, False])
def test_objects_with_undefined_symbols_of_cxx_need_its_runtime(
    tmp_path: Path, files: tuple[str, ...], *, needed: bool, exclude_libs: bool
) -> None:
    sources = {
        "plain.c": "int plain(void) { return 3; }",
        "exit.c": "extern void __cxa_finalize(void *); void f(void) { __cxa_finalize(0); }",
        "caller.cc": "int callee(); int caller() { return callee(); }",
        "callee.cc": "int callee() { return 1; }",
        "thrower.cc": "int thrower() { throw 1; }",
    }
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    run("g++", "-fPIC", "-c", *(name for name in sources if name[-2:] == "cc"), folder=tmp_path)
    run("gcc", "-fPIC", "-c", *(name for name in sources if name[-2:] == ".c"), folder=tmp_path)
    run("ar", "rcs", "libthrower.a", "thrower.o", folder=tmp_path)
    read = found(settings(extra_objects=files, exclude_libs=exclude_libs), tmp_path)
    assert isinstance(read, InputSymbols)
    assert read.needs_cxx is needed
