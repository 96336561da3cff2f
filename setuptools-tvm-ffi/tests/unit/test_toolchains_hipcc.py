# SPDX-License-Identifier: Apache-2.0
# hipcc may be missing, so these tests check only the command lines. The hipcc in Debian 12 (ROCm
# 5.2) was tested by hand.
from __future__ import annotations

import dataclasses

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.settings import ExtensionSettings, ProjectSettings
from setuptools_tvm_ffi.settings.languages import LanguageArguments
from setuptools_tvm_ffi.toolchains import Compiler, CompileUnit, EnvironmentFlags, LinkUnit
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain
from setuptools_tvm_ffi.toolchains.hipcc import HipccCompiler

SDK = TVMFFISdk(
    version=Version("0.1.15.post2"),
    include_dirs=("build/sdk/include", "build/sdk/dlpack-include"),
    library_dir="build/sdk/lib",
    library="libtvm_ffi.so",
)
UNIT = CompileUnit("src/a.hip", "hip", "build/o/a.hip.o", "build/o/a.hip.o.d")
RELEASE = ProjectSettings()
PLAIN = ExtensionSettings(name="pkg.ops", sources=("a.hip",), hip_architectures=("gfx942",))
FULL = dataclasses.replace(
    PLAIN,
    include_dirs=("include",),
    define_macros=(("WITH_X", None), ("TEXT", '"a, b"')),
    undef_macros=("NDEBUG",),
    extra_compile_args=LanguageArguments(
        c=("-no-c",), cxx=("-no-cxx",), cuda=("-no-cuda",), hip=("-ffast-math", "-O1")
    ),
    c_std="17",
    cxx_std="26",
    cuda_std="17",
    hip_std="20",
    hip_architectures=("gfx942", "gfx90a:xnack-", "gfx942"),
)
ENVIRONMENT = EnvironmentFlags(
    cppflags=("-no-p",),
    cflags=("-no-c",),
    cxxflags=("-no-x",),
    cudaflags=("-no-u",),
    hipflags=("-DH",),
)


def hipcc(
    project: ProjectSettings = RELEASE,
    *,
    environment: EnvironmentFlags = EnvironmentFlags(),  # noqa: B008 - frozen
    launcher: tuple[str, ...] = (),
) -> HipccCompiler:
    compiler = Compiler(("hipcc",), "hipcc", "HIP version: 6.2.41133", launcher)
    return HipccCompiler(compiler, "/opt/rocm", "/project", environment, project)


def flags(compiler: HipccCompiler, settings: ExtensionSettings = PLAIN) -> tuple[str, ...]:
    return compiler.compile_flags(settings, SDK, "hip")


def test_hipcc_compiles() -> None:
    compiler = hipcc(environment=ENVIRONMENT, launcher=("ccache",))
    assert compiler.compile_command(flags(compiler, FULL), UNIT) == (
        "ccache",
        "hipcc",
        "-x",
        "hip",
        "-std=c++20",
        "-O3",
        "-DNDEBUG",
        "--offload-arch=gfx942",
        "--offload-arch=gfx90a:xnack-",
        "-fPIC",
        "-fvisibility=hidden",
        "-fvisibility-inlines-hidden",
        "-ffile-prefix-map=/project=.",
        "-ffile-prefix-map=build/sdk/include/=",
        "-ffile-prefix-map=build/sdk/dlpack-include/=",
        "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
        "-DWITH_X",
        '-DTEXT="a, b"',
        "-UNDEBUG",
        "-Iinclude",
        "-isystem",
        "build/sdk/include",
        "-isystem",
        "build/sdk/dlpack-include",
        "-DH",
        "-ffast-math",
        "-O1",
        "-cuid=src/a.hip",
        "-MD",
        "-MQ",
        "build/o/a.hip.o",
        "-MF",
        "build/o/a.hip.o.d",
        "-c",
        "src/a.hip",
        "-o",
        "build/o/a.hip.o",
    )


def test_default_architectures_are_explicit_so_that_no_gpu_is_queried() -> None:
    undeclared = dataclasses.replace(PLAIN, hip_architectures=())
    words = flags(hipcc(), undeclared)
    assert [word for word in words if "arch" in word] == [
        "--offload-arch=gfx908",
        "--offload-arch=gfx90a",
        "--offload-arch=gfx942",
        "--offload-arch=gfx1030",
        "--offload-arch=gfx1100",
    ]
    assert hipcc().notice(PLAIN) is None
    assert hipcc().notice(undeclared) == (
        "HIP architectures: gfx908;gfx90a;gfx942;gfx1030;gfx1100, by default"
    )


@pytest.mark.parametrize(
    ("build_type", "words"),
    [
        ("release", ("-O3", "-DNDEBUG")),
        ("debug", ("-O0", "-g")),
        ("release-debug-info", ("-O2", "-g", "-DNDEBUG")),
        ("address-sanitizer", ("-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address")),
    ],
)
def test_a_build_type_has_the_flags_of_clang(build_type: str, words: tuple[str, ...]) -> None:
    found = flags(hipcc(ProjectSettings(build_type=build_type)))
    assert found[3 : 4 + len(words)] == (*words, "--offload-arch=gfx942")


def test_flags_of_the_project_and_the_extension_apply_to_hipcc() -> None:
    plain = set(flags(hipcc()))
    assert set(flags(hipcc(ProjectSettings(warnings_as_errors=True)))) - plain == {"-Werror"}
    assert set(flags(hipcc(ProjectSettings(lto=True)))) == plain
    assert set(flags(hipcc(), dataclasses.replace(PLAIN, debug_symbols=True))) - plain == {"-g"}
    without = dataclasses.replace(PLAIN, prefix_map=False, link_header=False)
    assert not [word for word in flags(hipcc(), without) if "prefix-map" in word or "sdk" in word]


@pytest.mark.parametrize(
    ("standard", "option"),
    [("17", "-std=c++17"), ("20", "-std=c++20"), ("23", "-std=c++2b"), ("26", "-std=c++2c")],
)
def test_the_standard_is_the_setting_hip_std(standard: str, option: str) -> None:
    settings = dataclasses.replace(PLAIN, hip_std=standard, cxx_std="17", cuda_std="17")
    assert flags(hipcc(), settings)[2] == option


def test_a_library_with_hip_sources_is_linked_with_the_runtime() -> None:
    compilers = {"cxx": Compiler(("g++",), "gcc", "g++ 12"), "hip": hipcc().compiler}
    tools = GnuToolchain(
        compilers, "linux", "/project", EnvironmentFlags(), devices={"hip": hipcc()}
    )

    def link(*languages: str) -> tuple[str, ...]:
        unit = LinkUnit(("a.o",), frozenset(languages), "libops.so", "libops.so.rsp")
        return tools.link_flags(PLAIN, SDK, unit, "build")

    assert link("hip")[-4:] == ("-L/opt/rocm/lib", "-lamdhip64", "-Lbuild/sdk/lib", "-ltvm_ffi")
    assert set(link("hip")) - set(link("cxx")) == {"-L/opt/rocm/lib", "-lamdhip64"}
    unit = LinkUnit(("a.o",), frozenset({"hip"}), "libops.so", "libops.so.rsp")
    assert tools.link_command((), unit)[0] == "g++"


def test_the_dependency_style_is_gcc() -> None:
    assert hipcc().dependency_style == "gcc"
