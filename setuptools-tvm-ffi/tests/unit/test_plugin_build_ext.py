# SPDX-License-Identifier: Apache-2.0
"""The parts of ``build_ext`` that start no compiler."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from setuptools import Distribution
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.building.model import BuildRequest, BuildResult
from setuptools_tvm_ffi.plugin.attachment import attach
from setuptools_tvm_ffi.plugin.commands.build_ext import BuildExtMixin


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SETUPTOOLS_TVM_FFI_BUILD_TYPE", raising=False)
    for name in ("csrc/a.cpp", "csrc/a.h", "csrc/notes.txt", "include/deep/b.hpp", "table.inc"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


def build_ext(**settings: Any) -> Any:
    extensions = [TVMFFIExtension("pkg.ops", ["csrc/*.cpp"], **settings)]
    made = Distribution(
        {"name": "p", "version": "1", "packages": ["pkg"], "ext_modules": extensions}
    )
    attach(made)
    command = made.get_command_obj("build_ext")
    command.ensure_finalized()
    return command


def test_an_sdist_contains_the_sources_the_headers_and_the_declared_files() -> None:
    command = build_ext(include_dirs=["include"], depends=["table.inc"])
    assert sorted(command.get_source_files()) == [
        "csrc/a.cpp",
        "csrc/a.h",
        "include/deep/b.hpp",
        "table.inc",
    ]


@pytest.mark.parametrize("debug", [False, True])
def test_the_option_debug_selects_the_build_type_debug(
    monkeypatch: pytest.MonkeyPatch, *, debug: bool
) -> None:
    requests: list[BuildRequest] = []

    def build_libraries(request: BuildRequest, process: object) -> BuildResult:
        del process
        requests.append(request)
        raise BuildError("a build that fails")

    module = importlib.import_module(BuildExtMixin.__module__)
    monkeypatch.setattr(module, "build_libraries", build_libraries)
    command = build_ext()
    command.debug = debug
    with pytest.raises(BuildError, match="a build that fails"):
        command.run()
    (request,) = requests
    assert request.project.settings.build_type == ("debug" if debug else "release")
    assert request.objects_folder.name == ("debug" if debug else "release")
    if debug:
        assert request.project.place("build_type") == "build_ext --debug"
