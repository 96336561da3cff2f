# SPDX-License-Identifier: Apache-2.0
"""The parts of ``build_ext`` that start no compiler."""

from __future__ import annotations

import importlib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from packaging.version import Version
from setuptools import Distribution
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.building.model import BuildRequest, BuildResult
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.plugin.attachment import attach
from setuptools_tvm_ffi.plugin.commands.build_ext import BuildExtMixin
from setuptools_tvm_ffi.stubs import StubFile
from setuptools_tvm_ffi.stubs.pyi import SIGNATURE
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain

SDK = TVMFFISdk(Version("0.1.15"), ("build/sdk/include",), "build/sdk/lib", "libtvm_ffi.so")
GNU = GnuToolchain(
    {"cxx": Compiler(("g++",), "gcc", "g++ 12.2.0")}, "linux", "/project", EnvironmentFlags()
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("BUILD_TYPE", "STUBS", "TARGET"):
        monkeypatch.delenv(f"SETUPTOOLS_TVM_FFI_{name}", raising=False)
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


@pytest.fixture
def stale_stub(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the next build return a stub that differs from the one in the source tree."""
    path = PurePosixPath("pkg/_ffi_api.pyi")
    old, new = (f"{SIGNATURE}\n\n\nX: {kind}\n".encode() for kind in ("int", "str"))
    Path("pkg").mkdir()
    Path(path).write_bytes(old)

    def build_libraries(request: BuildRequest, process: object) -> BuildResult:
        del request, process
        return BuildResult((), GNU, SDK, "ninja")

    def make_stubs(*arguments: object) -> list[StubFile]:
        del arguments
        return [StubFile(Path(path), old, new, path)]

    module = importlib.import_module(BuildExtMixin.__module__)
    monkeypatch.setattr(module, "build_libraries", build_libraries)
    monkeypatch.setattr(BuildExtMixin, "_make_stubs", make_stubs)
    return Path(path)


@pytest.mark.parametrize("value", ["check", "strict"])
def test_a_stale_committed_stub_fails_a_build_that_checks_before_anything_is_placed(
    monkeypatch: pytest.MonkeyPatch, stale_stub: Path, value: str
) -> None:
    monkeypatch.setenv("SETUPTOOLS_TVM_FFI_STUBS", value)
    command = build_ext()
    with pytest.raises(BuildError, match=r"pkg/_ffi_api\.pyi"):
        command.run()
    assert not Path(command.build_lib, stale_stub).exists()


def test_a_stale_committed_stub_is_a_warning_by_default_and_the_wheel_gets_the_new_one(
    caplog: pytest.LogCaptureFixture, stale_stub: Path
) -> None:
    command = build_ext()
    command.run()
    assert [r.levelname for r in caplog.records if str(stale_stub) in r.getMessage()] == ["WARNING"]
    assert b"X: str" in Path(command.build_lib, stale_stub).read_bytes()
    assert b"X: int" in stale_stub.read_bytes()
