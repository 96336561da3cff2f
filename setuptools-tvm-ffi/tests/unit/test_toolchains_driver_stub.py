# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ctypes
import dataclasses
import shutil
import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags
from setuptools_tvm_ffi.toolchains.driver_stub import add_driver_stub, stub_source
from setuptools_tvm_ffi.toolchains.nvcc import NvccCompiler

HEADER = """\
/* See cuFromAComment. */
#define cuMemAlloc cuMemAlloc_v2  // not cuAlsoFromAComment
#define cuMemcpy __CUDA_API_PTDS(cuMemcpy)
typedef enum CUresult_enum { CUDA_SUCCESS } CUresult;
CUresult CUDAAPI cuMemAlloc(unsigned long long *pointer, unsigned long size);
CUresult CUDAAPI cuMemcpy(unsigned long long a, unsigned long long b, unsigned long size);
"""
DRIVER = ExtensionSettings(name="pkg.ops", sources=("a.cc",), libraries=("cuda",))
CC = Compiler(("cc",), "gcc", "1")
FOLDER = Path("build/cuda-driver")

needs_cc = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="no C compiler for ELF"
)


@pytest.fixture
def nvcc(tmp_path: Path) -> NvccCompiler:
    (tmp_path / "include").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "include" / "cuda.h").write_text(HEADER)
    return NvccCompiler(
        *(Compiler(("nvcc",), "nvcc", "13.0"), "13.0", CC),
        known_architectures=("9.0",),
        library_dirs=(str(tmp_path / "lib"),),
        system="linux",
        root=str(tmp_path),
        environment=EnvironmentFlags(),
        include_dirs=(str(tmp_path / "include"),),
    )


def test_the_stub_defines_the_functions_that_headers_declare() -> None:
    lines = stub_source(HEADER).splitlines()
    names = [line.split()[1].partition("(")[0] for line in lines]
    assert names == ["cuMemAlloc", "cuMemAlloc_v2", "cuMemcpy", "cuMemcpy_ptds"]


@needs_cc
def test_a_stub_is_built_once_and_has_the_name_of_the_drivers_library(
    nvcc: NvccCompiler, tmp_path: Path
) -> None:
    found = add_driver_stub(nvcc, [DRIVER], CC, tmp_path, FOLDER)
    assert found.library_dirs == (*nvcc.library_dirs, "build/cuda-driver")
    library = tmp_path / FOLDER / "libcuda.so"
    assert ctypes.CDLL(str(library)).cuMemAlloc_v2() == 34
    assert b"libcuda.so.1\0" in library.read_bytes()
    before = library.stat()
    add_driver_stub(nvcc, [DRIVER], CC, tmp_path, FOLDER)
    assert library.stat() == before
    (tmp_path / "include" / "cuda.h").write_text("int cuNew(void);")
    add_driver_stub(nvcc, [DRIVER], CC, tmp_path, FOLDER)
    assert ctypes.CDLL(str(library.rename(tmp_path / "new.so"))).cuNew() == 34


def test_no_stub_is_built_if_none_is_needed(nvcc: NvccCompiler, tmp_path: Path) -> None:
    own = dataclasses.replace(DRIVER, name="pkg.cuda", libraries=())
    for extensions in ([dataclasses.replace(DRIVER, libraries=("cublas",))], [DRIVER, own]):
        assert add_driver_stub(nvcc, extensions, CC, tmp_path, FOLDER) is nvcc
    (tmp_path / "lib" / "libcuda.so").touch()
    assert add_driver_stub(nvcc, [DRIVER], CC, tmp_path, FOLDER) is nvcc
