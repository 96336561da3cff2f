# SPDX-License-Identifier: Apache-2.0
# Microsoft's compiler and linker cannot run here: these tests assert the command lines.
from __future__ import annotations

import dataclasses

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.settings import ExtensionSettings, ProjectSettings
from setuptools_tvm_ffi.settings.languages import LanguageArguments
from setuptools_tvm_ffi.toolchains import (
    Companion,
    Compiler,
    CompileUnit,
    EnvironmentFlags,
    LinkUnit,
    Sibling,
)
from setuptools_tvm_ffi.toolchains.msvc import MsvcToolchain

CL = r"C:\VS\VC\Tools\MSVC\14.40.33807\bin\HostX64\x64\cl.exe"
LINK = r"C:\VS\VC\Tools\MSVC\14.40.33807\bin\HostX64\x64\link.exe"
CLANG_CL = r"C:\LLVM\bin\clang-cl.exe"
RELEASE = ProjectSettings()
SDK = TVMFFISdk(
    version=Version("0.1.15.post2"),
    include_dirs=("build/sdk/include", "build/sdk/dlpack-include"),
    library_dir="build/sdk/lib",
    library="tvm_ffi.lib",
)
PLAIN = ExtensionSettings(name="pkg.ops", sources=("a.cpp",))
FULL = ExtensionSettings(
    name="pkg.ops",
    sources=("a.cpp", "b.c"),
    include_dirs=("include", "vendor dir/include"),
    define_macros=(("WITH_X", None), ("LEVEL", "3")),
    undef_macros=("NDEBUG",),
    extra_compile_args=LanguageArguments(c=("/Wc-declared",), cxx=("/Wcxx-declared", "/Od")),
    extra_link_args=("/DEBUG",),
    libraries=("user32", "z"),
    library_dirs=("vendor/lib",),
    extra_objects=("prebuilt/a.obj", "prebuilt/b.lib"),
)
CXX_UNIT = CompileUnit("src/a.cpp", "cxx", "build/o/a.cpp.obj", "build/o/a.cpp.obj.d")
C_UNIT = CompileUnit("src/b.c", "c", "build/o/b.c.obj", "build/o/b.c.obj.d")
UNIT = LinkUnit(
    ("build/o/a.cpp.obj",), frozenset({"cxx"}), "build/pkg.ops/ops.dll", "build/ops.dll.rsp"
)

DEFAULT_CXX = (
    "/EHsc",
    "/Zc:__cplusplus",
    "/O2",
    "/DNDEBUG",
    "/MD",
    "/bigobj",
    "/Zc:inline",
    "/DWIN32_LEAN_AND_MEAN",
    "/D_CRT_SECURE_NO_WARNINGS",
    "/D_SCL_SECURE_NO_WARNINGS",
    "/D_ENABLE_EXTENDED_ALIGNED_STORAGE",
    "/DNOMINMAX",
    "/DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
)
DEFAULT_C = DEFAULT_CXX[2:]
# cl's option to omit the folder.
PATH_MAP = ("/experimental:deterministic", r"/pathmap:C:\project=.", "/wd5049")
CL_CXX = (*DEFAULT_CXX[:7], *PATH_MAP, *DEFAULT_CXX[7:])
CL_C = (*DEFAULT_C[:5], *PATH_MAP, *DEFAULT_C[5:])


ENVIRONMENT = EnvironmentFlags(
    cppflags=("/DP",),
    cflags=("/DC",),
    cxxflags=("/DX",),
    ldflags=("/OPT:REF",),
    archflags=("-arch", "arm64"),
    deployment_target="11.0",
)


def toolchain(
    family: str = "msvc",
    *,
    project: ProjectSettings = RELEASE,
    environment: EnvironmentFlags = ENVIRONMENT,
    linker: str = LINK,
) -> MsvcToolchain:
    compiler = Compiler(((CL if family == "msvc" else CLANG_CL),), family, "14.40.33807")
    compilers = {"c": compiler, "cxx": compiler}
    return MsvcToolchain(compilers, linker, environment, r"C:\project", project)


def compile_command(
    settings: ExtensionSettings, unit: CompileUnit, tools: MsvcToolchain | None = None
) -> tuple[str, ...]:
    tools = tools or toolchain()
    return tools.compile_command(tools.compile_flags(settings, SDK, unit.language), unit)


def link_command(
    settings: ExtensionSettings, unit: LinkUnit, tools: MsvcToolchain | None = None
) -> tuple[str, ...]:
    tools = tools or toolchain()
    return tools.link_command(tools.link_flags(settings, SDK, unit, "build"), unit)


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
        *CL_CXX,
        "/Ibuild/sdk/include",
        "/Ibuild/sdk/dlpack-include",
        "/DP",
        "/DX",
        "/sourceDependencies",
        "build/o/a.cpp.obj.d",
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
        *CL_C,
        "/Ibuild/sdk/include",
        "/Ibuild/sdk/dlpack-include",
        "/DP",
        "/DC",
        "/sourceDependencies",
        "build/o/b.c.obj.d",
        "/c",
        "/Tcsrc/b.c",
        "/Fobuild/o/b.c.obj",
    )


def test_cl_gets_every_setting_in_order() -> None:
    assert compile_command(FULL, CXX_UNIT) == (
        CL,
        "/nologo",
        "/utf-8",
        "/std:c++17",
        *CL_CXX,
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
        "/sourceDependencies",
        "build/o/a.cpp.obj.d",
        "/c",
        "/Tpsrc/a.cpp",
        "/Fobuild/o/a.cpp.obj",
    )


def test_arguments_of_a_language_apply_to_that_language_only() -> None:
    c = toolchain().compile_flags(FULL, SDK, "c")
    cxx = toolchain().compile_flags(FULL, SDK, "cxx")
    assert c[-2:] == ("/DC", "/Wc-declared")
    assert cxx[-3:] == ("/DX", "/Wcxx-declared", "/Od")
    assert not {"/DX", "/Wcxx-declared", "/EHsc", "/Zc:__cplusplus"} & set(c)
    assert not {"/DC", "/Wc-declared"} & set(cxx)


@pytest.mark.parametrize("languages", [{"c"}, {"cxx"}, {"c", "cxx"}])
def test_link_gets_every_setting_in_order_for_every_language(languages: set[str]) -> None:
    unit = dataclasses.replace(UNIT, languages=frozenset(languages))
    assert link_command(FULL, unit) == (
        LINK,
        "/OUT:build/pkg.ops/ops.dll",
        "/IMPLIB:build/pkg.ops/ops.lib",
        "@build/ops.dll.rsp",
        "/nologo",
        "/DLL",
        "/INCREMENTAL:NO",
        "/Brepro",
        "/OPT:REF",
        "prebuilt/a.obj",
        "prebuilt/b.lib",
        "/LIBPATH:vendor/lib",
        "user32.lib",
        "z.lib",
        "build/sdk/lib/tvm_ffi.lib",
        "/DEBUG",
    )


def test_clang_cl_compiles_cxx_with_the_arguments_of_cl_and_prefix_maps() -> None:
    assert compile_command(PLAIN, CXX_UNIT, toolchain("clang-cl")) == (
        CLANG_CL,
        "/nologo",
        "/utf-8",
        "/std:c++17",
        *DEFAULT_CXX[:7],
        r"/clang:-ffile-prefix-map=C:\project=.",
        "/clang:-ffile-prefix-map=build/sdk/include/=",
        "/clang:-ffile-prefix-map=build/sdk/dlpack-include/=",
        *DEFAULT_CXX[7:],
        "/Ibuild/sdk/include",
        "/Ibuild/sdk/dlpack-include",
        "/DP",
        "/DX",
        "/clang:-MD",
        "/clang:-MFbuild/o/a.cpp.obj.d",
        "/c",
        "/Tpsrc/a.cpp",
        "/Fobuild/o/a.cpp.obj",
    )


def test_clang_cl_compiles_c() -> None:
    tools = toolchain("clang-cl", environment=EnvironmentFlags())
    assert compile_command(PLAIN, C_UNIT, tools) == (
        CLANG_CL,
        "/nologo",
        "/utf-8",
        "/std:c11",
        *DEFAULT_C[:5],
        r"/clang:-ffile-prefix-map=C:\project=.",
        "/clang:-ffile-prefix-map=build/sdk/include/=",
        "/clang:-ffile-prefix-map=build/sdk/dlpack-include/=",
        *DEFAULT_C[5:],
        "/Ibuild/sdk/include",
        "/Ibuild/sdk/dlpack-include",
        "/clang:-MD",
        "/clang:-MFbuild/o/b.c.obj.d",
        "/c",
        "/Tcsrc/b.c",
        "/Fobuild/o/b.c.obj",
    )


def test_clang_cl_links_with_the_linker_of_cl() -> None:
    assert link_command(FULL, UNIT, toolchain("clang-cl")) == link_command(FULL, UNIT)


def test_a_launcher_starts_the_compiler_but_not_the_linker() -> None:
    compiler = Compiler((CL,), "msvc", "14.40", launcher=("sccache",))
    tools = MsvcToolchain({"cxx": compiler}, LINK, EnvironmentFlags())
    assert compile_command(PLAIN, CXX_UNIT, tools)[:2] == ("sccache", CL)
    assert link_command(PLAIN, UNIT, tools)[0] == LINK


BASE = Sibling("base", "build/pkg.base/base.dll", "base_pkg")


def test_a_sibling_is_linked_by_its_import_library_and_needs_no_run_path() -> None:
    settings = dataclasses.replace(PLAIN, libraries=("z", "base"))
    unit = dataclasses.replace(UNIT, siblings=(BASE,))
    words = link_command(settings, unit)
    at = words.index("z.lib")
    assert words[at : at + 3] == ("z.lib", "build/pkg.base/base.lib", "build/sdk/lib/tvm_ffi.lib")
    assert not [word for word in words if "base.dll" in word or "rpath" in word]


def test_the_linker_writes_debug_symbols_to_a_file_beside_the_library() -> None:
    settings = dataclasses.replace(PLAIN, debug_symbols=True)
    assert toolchain().companion(settings, UNIT) == Companion(("build/pkg.ops/ops.pdb",))
    assert "/PDB:build/pkg.ops/ops.pdb" in link_command(settings, UNIT)


def test_without_debug_symbols_nothing_is_shipped_beside_the_library() -> None:
    debug = toolchain(project=ProjectSettings(build_type="debug"))
    assert toolchain().companion(PLAIN, UNIT) is None
    assert debug.companion(PLAIN, UNIT) is None


def test_a_response_file_has_one_quoted_object_per_line() -> None:
    assert toolchain().response_file_content(("a b.obj", "dir/it's.obj")) == (
        '"a b.obj"\n"dir/it\'s.obj"'
    )


def test_a_shell_line_is_quoted_for_windows_programs() -> None:
    line = toolchain().shell_line((CL, "/DTEXT=a b", '/DQ="x"', "$HOME", "a&b"))
    assert line == rf'{CL} "/DTEXT=a b" /DQ=\"x\" $HOME a&b'


def test_system_object_suffix_and_dependency_style() -> None:
    tools = toolchain()
    assert (tools.system, tools.object_suffix, tools.dependency_style) == (
        "windows",
        ".obj",
        "msvc",
    )
    assert tools.support_files() == {}


@pytest.mark.parametrize("family", ["msvc", "clang-cl"])
def test_assembly_is_refused_by_key(family: str) -> None:
    with pytest.raises(ConfigurationError, match=r"sources: .*ml64"):
        toolchain(family).compile_flags(PLAIN, SDK, "asm")
