# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags
from setuptools_tvm_ffi.toolchains.nvcc import NvccCompiler
from setuptools_tvm_ffi.toolchains.toolkit_link import link_toolkit

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")

LINK = Path("build/cuda-toolkit")


def nvcc(program: str, *library_dirs: str) -> NvccCompiler:
    return NvccCompiler(
        *(Compiler((program,), "nvcc", "13.0"), "13.0", Compiler(("g++",), "gcc", "1")),
        known_architectures=("9.0",),
        library_dirs=library_dirs,
        system="linux",
        root="/project",
        environment=EnvironmentFlags(),
    )


def test_a_toolkit_in_each_build_environment_has_the_same_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    found = []
    for name in ("one", "two"):
        packages = tmp_path / name / "site-packages"
        toolkit = packages / "nvidia" / "cu13"
        (toolkit / "bin").mkdir(parents=True)
        (toolkit / "bin" / "nvcc").write_text(name)
        monkeypatch.setattr(sys, "path", [str(packages)])
        compiler = nvcc(f"{toolkit}/bin/nvcc", f"{toolkit}/lib", "build/cuda-driver")
        found.append(link_toolkit(compiler, root, LINK))
        assert (root / LINK / "bin" / "nvcc").read_text() == name
    assert found[0] == found[1]
    assert found[0].compiler.command == ("build/cuda-toolkit/bin/nvcc",)
    assert found[0].library_dirs == ("build/cuda-toolkit/lib", "build/cuda-driver")


@pytest.mark.parametrize("program", ["nvcc", "/usr/local/cuda/bin/nvcc"])
def test_an_installed_toolkit_keeps_its_path(program: str, tmp_path: Path) -> None:
    compiler = nvcc(program, "/usr/local/cuda/lib64")
    assert link_toolkit(compiler, tmp_path, LINK) is compiler
    assert not (tmp_path / LINK).exists()
