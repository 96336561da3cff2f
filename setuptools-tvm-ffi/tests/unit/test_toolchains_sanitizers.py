# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.toolchains import Compiler
from setuptools_tvm_ffi.toolchains.sanitizers import run_time_variables, runtime_names

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the compiler is a shell script")

ADDRESS, THREAD, UNDEFINED = "address-sanitizer", "thread-sanitizer", "undefined-sanitizer"
ASAN_OPTIONS = "detect_leaks=0:allocator_may_return_null=1"


@pytest.fixture
def compiler(tmp_path: Path) -> Callable[..., Compiler]:
    """Create a fake compiler that finds these files. For other files, it prints their names."""

    def make(family: str, *files: str) -> Compiler:
        folder = tmp_path / "lib"
        folder.mkdir()
        for name in files:
            (folder / name).touch()
        script = tmp_path / "c++"
        script.write_text(
            '#!/bin/sh\nfor last; do :; done\nname="${last#-print-file-name=}"\n'
            f'if [ -e "{folder}/$name" ]; then echo "{folder}/$name"; else echo "$name"; fi\n'
        )
        script.chmod(0o755)
        return Compiler((str(script), "-m64"), family, "1")

    return make


def test_the_address_sanitizer_of_gcc_precedes_the_cxx_library(
    compiler: Callable[..., Compiler], tmp_path: Path
) -> None:
    gcc = compiler("gcc", "libasan.so", "libstdc++.so.6")
    assert run_time_variables(ADDRESS, gcc, {}, system="linux") == {
        "LD_PRELOAD": f"{tmp_path}/lib/libasan.so:{tmp_path}/lib/libstdc++.so.6",
        "ASAN_OPTIONS": ASAN_OPTIONS,
    }


def test_the_thread_sanitizer_needs_no_options(
    compiler: Callable[..., Compiler], tmp_path: Path
) -> None:
    gcc = compiler("gcc", "libtsan.so", "libstdc++.so.6")
    assert run_time_variables(THREAD, gcc, {}, system="linux") == {
        "LD_PRELOAD": f"{tmp_path}/lib/libtsan.so:{tmp_path}/lib/libstdc++.so.6"
    }


def test_the_undefined_sanitizer_of_gcc_needs_no_preloading(
    compiler: Callable[..., Compiler],
) -> None:
    assert run_time_variables(UNDEFINED, compiler("gcc"), {}, system="linux") == {}


@pytest.mark.parametrize("build_type", ["release", "debug", "release-debug-info"])
@pytest.mark.parametrize("family", ["gcc", "clang"])
def test_other_build_types_need_no_variables(
    build_type: str, family: str, compiler: Callable[..., Compiler]
) -> None:
    assert run_time_variables(build_type, compiler(family), {}, system="linux") == {}


@pytest.mark.parametrize("build_type", [ADDRESS, THREAD, UNDEFINED])
def test_on_windows_nothing_is_preloaded(
    build_type: str, compiler: Callable[..., Compiler]
) -> None:
    assert run_time_variables(build_type, compiler("msvc"), {}, system="windows") == {}
    assert run_time_variables(build_type, Compiler(("x",), "gcc", "1"), {}, system="windows") == {}


@pytest.mark.parametrize(
    ("build_type", "name"), [(ADDRESS, "asan"), (THREAD, "tsan"), (UNDEFINED, "ubsan_standalone")]
)
@pytest.mark.parametrize("machine", [f"-{platform.machine()}", ""])
def test_runtimes_of_clang_are_found_with_and_without_the_machine_in_the_name(
    build_type: str, name: str, machine: str, compiler: Callable[..., Compiler], tmp_path: Path
) -> None:
    file = f"libclang_rt.{name}{machine}.so"
    clang = compiler("clang", file, "libstdc++.so.6")
    variables = run_time_variables(build_type, clang, {}, system="linux")
    assert variables["LD_PRELOAD"] == f"{tmp_path}/lib/{file}:{tmp_path}/lib/libstdc++.so.6"
    assert ("ASAN_OPTIONS" in variables) is (build_type == ADDRESS)


def test_on_macos_only_the_runtime_is_inserted(
    compiler: Callable[..., Compiler], tmp_path: Path
) -> None:
    clang = compiler("clang", "libclang_rt.asan_osx_dynamic.dylib")
    assert run_time_variables(ADDRESS, clang, {}, system="darwin") == {
        "DYLD_INSERT_LIBRARIES": f"{tmp_path}/lib/libclang_rt.asan_osx_dynamic.dylib",
        "ASAN_OPTIONS": ASAN_OPTIONS,
    }


def test_libraries_that_are_already_preloaded_are_kept_and_come_last(
    compiler: Callable[..., Compiler], tmp_path: Path
) -> None:
    gcc = compiler("gcc", "libasan.so", "libstdc++.so.6")
    environment = {"LD_PRELOAD": "/opt/liballocator.so", "ASAN_OPTIONS": "verbosity=1"}
    assert run_time_variables(ADDRESS, gcc, environment, system="linux") == {
        "LD_PRELOAD": (
            f"{tmp_path}/lib/libasan.so:{tmp_path}/lib/libstdc++.so.6:/opt/liballocator.so"
        )
    }


def test_a_runtime_that_is_a_symbolic_link_is_resolved(
    compiler: Callable[..., Compiler], tmp_path: Path
) -> None:
    # `libasan.so` can link to a different file after another compiler is installed.
    gcc = compiler("gcc", "libasan.so.8.0.0", "libstdc++.so.6")
    os.symlink("libasan.so.8.0.0", tmp_path / "lib" / "libasan.so")
    variables = run_time_variables(ADDRESS, gcc, {}, system="linux")
    assert variables["LD_PRELOAD"].startswith(f"{tmp_path}/lib/libasan.so.8.0.0:")


def test_a_cxx_library_outside_the_compiler_is_preloaded_by_name(
    compiler: Callable[..., Compiler], tmp_path: Path
) -> None:
    gcc = compiler("gcc", "libasan.so")
    variables = run_time_variables(ADDRESS, gcc, {}, system="linux")
    assert variables["LD_PRELOAD"] == f"{tmp_path}/lib/libasan.so:libstdc++.so.6"


@pytest.mark.parametrize(
    ("family", "build_type", "wanted"),
    [
        ("gcc", ADDRESS, "address sanitizer (libasan.so)"),
        ("gcc", THREAD, "thread sanitizer (libtsan.so)"),
        (
            "clang",
            UNDEFINED,
            f"undefined sanitizer (libclang_rt.ubsan_standalone-{platform.machine()}.so, "
            "libclang_rt.ubsan_standalone.so)",
        ),
    ],
)
def test_the_error_for_a_missing_runtime_lists_the_searched_files(
    family: str, build_type: str, wanted: str, compiler: Callable[..., Compiler], tmp_path: Path
) -> None:
    with pytest.raises(BuildError) as caught:
        run_time_variables(build_type, compiler(family), {}, system="linux")
    assert caught.value.message == f"{tmp_path}/c++ -m64 has no shared runtime for the {wanted}"
    assert caught.value.hint is not None
    assert "libclang-rt-dev" in caught.value.hint


def test_names_of_runtimes() -> None:
    assert runtime_names("address", "gcc", "linux", "aarch64") == ("libasan.so",)
    assert runtime_names("thread", "clang", "darwin", "arm64") == (
        "libclang_rt.tsan_osx_dynamic.dylib",
    )
