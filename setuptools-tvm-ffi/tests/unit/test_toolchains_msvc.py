# SPDX-License-Identifier: Apache-2.0
# Microsoft's compiler and linker cannot run here: these tests assert the command lines.
from __future__ import annotations

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.extension import ExtensionSettings
from setuptools_tvm_ffi.toolchains import Compiler, CompileUnit, EnvironmentFlags, LinkUnit
from setuptools_tvm_ffi.toolchains.msvc import MsvcToolchain
from setuptools_tvm_ffi.tvm_ffi_sdk import TVMFFISdk

CL = r"C:\VS\VC\Tools\MSVC\14.40.33807\bin\HostX64\x64\cl.exe"
LINK = r"C:\VS\VC\Tools\MSVC\14.40.33807\bin\HostX64\x64\link.exe"
SDK = TVMFFISdk(
    version=Version("0.1.15.post2"),
    include_dirs=("build/sdk/include", "build/sdk/dlpack-include"),
    library_dir="build/sdk/lib",
    library="tvm_ffi.lib",
)
FULL = ExtensionSettings(
    name="pkg.ops",
    sources=("a.cpp", "b.c"),
    include_dirs=("include", "vendor dir/include"),
    define_macros=(("WITH_X", None), ("LEVEL", "3")),
    undef_macros=("NDEBUG",),
    c_args=("/Wc-declared",),
    cxx_args=("/Wcxx-declared", "/Od"),
    link_args=("/DEBUG",),
    libraries=("user32", "z"),
    library_dirs=("vendor/lib",),
)
CXX_UNIT = CompileUnit("src/a.cpp", "cxx", "build/o/a.cpp.obj", "build/o/a.cpp.obj.d")
C_UNIT = CompileUnit("src/b.c", "c", "build/o/b.c.obj", "build/o/b.c.obj.d")
UNIT = LinkUnit(("build/o/a.cpp.obj",), "cxx", "build/pkg.ops/ops.dll", "build/ops.dll.rsp")

DEFAULT_CXX = (
    "/EHsc",
    "/Zc:__cplusplus",
    "/O2",
    "/MD",
    "/bigobj",
    "/Zc:inline",
    "/DNDEBUG",
    "/DWIN32_LEAN_AND_MEAN",
    "/D_CRT_SECURE_NO_WARNINGS",
    "/D_SCL_SECURE_NO_WARNINGS",
    "/D_ENABLE_EXTENDED_ALIGNED_STORAGE",
    "/DNOMINMAX",
    "/DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
)
DEFAULT_C = DEFAULT_CXX[2:]


def toolchain() -> MsvcToolchain:
    compiler = Compiler((CL,), "msvc", "14.40.33807")
    environment = EnvironmentFlags(
        cppflags=("/DP",),
        cflags=("/DC",),
        cxxflags=("/DX",),
        ldflags=("/OPT:REF",),
        archflags=("-arch", "arm64"),
        deployment_target="11.0",
    )
    return MsvcToolchain({"c": compiler, "cxx": compiler}, LINK, environment)


def compile_command(settings: ExtensionSettings, unit: CompileUnit) -> tuple[str, ...]:
    tools = toolchain()
    return tools.compile_command(tools.compile_flags(settings, SDK, unit.language), unit)


@pytest.mark.parametrize(
    ("standard", "option"),
    [
        ("17", "/std:c++17"),
        ("20", "/std:c++20"),
        ("23", "/std:c++latest"),
        ("26", "/std:c++latest"),
    ],
)
def test_cl_compiles_cxx(standard: str, option: str) -> None:
    settings = ExtensionSettings(name="pkg.ops", sources=("a.cpp",), cxx_std=standard)
    assert compile_command(settings, CXX_UNIT) == (
        CL,
        "/nologo",
        "/utf-8",
        option,
        *DEFAULT_CXX,
        "/Ibuild/sdk/include",
        "/Ibuild/sdk/dlpack-include",
        "/DP",
        "/DX",
        "/showIncludes",
        "/c",
        "/Tpsrc/a.cpp",
        "/Fobuild/o/a.cpp.obj",
    )


@pytest.mark.parametrize(
    ("standard", "option"), [("11", "/std:c11"), ("17", "/std:c17"), ("23", "/std:clatest")]
)
def test_cl_compiles_c(standard: str, option: str) -> None:
    settings = ExtensionSettings(name="pkg.ops", sources=("b.c",), c_std=standard)
    assert compile_command(settings, C_UNIT) == (
        CL,
        "/nologo",
        "/utf-8",
        option,
        *DEFAULT_C,
        "/Ibuild/sdk/include",
        "/Ibuild/sdk/dlpack-include",
        "/DP",
        "/DC",
        "/showIncludes",
        "/c",
        "/Tcsrc/b.c",
        "/Fobuild/o/b.c.obj",
    )


def test_cl_takes_every_setting_in_order() -> None:
    assert compile_command(FULL, CXX_UNIT) == (
        CL,
        "/nologo",
        "/utf-8",
        "/std:c++17",
        *DEFAULT_CXX,
        "/DWITH_X",
        "/DLEVEL=3",
        "/UNDEBUG",
        "/Iinclude",
        "/Ivendor dir/include",
        "/Ibuild/sdk/include",
        "/Ibuild/sdk/dlpack-include",
        "/DP",
        "/DX",
        "/Wcxx-declared",
        "/Od",
        "/showIncludes",
        "/c",
        "/Tpsrc/a.cpp",
        "/Fobuild/o/a.cpp.obj",
    )


def test_arguments_of_one_language_reach_no_other() -> None:
    c = toolchain().compile_flags(FULL, SDK, "c")
    cxx = toolchain().compile_flags(FULL, SDK, "cxx")
    assert c[-2:] == ("/DC", "/Wc-declared")
    assert cxx[-3:] == ("/DX", "/Wcxx-declared", "/Od")
    assert not {"/DX", "/Wcxx-declared", "/EHsc", "/Zc:__cplusplus"} & set(c)
    assert not {"/DC", "/Wc-declared"} & set(cxx)


@pytest.mark.parametrize("language", ["c", "cxx"])
def test_link_takes_every_setting_in_order_for_either_language(language: str) -> None:
    tools = toolchain()
    assert tools.link_command(tools.link_flags(FULL, SDK, language, "build"), UNIT) == (
        LINK,
        "/OUT:build/pkg.ops/ops.dll",
        "/IMPLIB:build/pkg.ops/ops.lib",
        "@build/ops.dll.rsp",
        "/nologo",
        "/DLL",
        "/INCREMENTAL:NO",
        "/Brepro",
        "/OPT:REF",
        "/LIBPATH:vendor/lib",
        "user32.lib",
        "z.lib",
        "build/sdk/lib/tvm_ffi.lib",
        "/DEBUG",
    )


def test_the_objects_are_quoted_one_a_line() -> None:
    assert toolchain().response_file_content(("a b.obj", "dir/it's.obj")) == (
        '"a b.obj"\n"dir/it\'s.obj"'
    )


def test_a_command_is_quoted_as_windows_programs_read_it() -> None:
    line = toolchain().shell_line((CL, "/DTEXT=a b", '/DQ="x"', "$HOME", "a&b"))
    assert line == rf'{CL} "/DTEXT=a b" /DQ=\"x\" $HOME a&b'


def test_it_says_how_objects_are_called_and_headers_are_reported() -> None:
    tools = toolchain()
    assert (tools.system, tools.object_suffix, tools.dependency_style) == (
        "windows",
        ".obj",
        "msvc",
    )
    assert tools.support_files() == {}
