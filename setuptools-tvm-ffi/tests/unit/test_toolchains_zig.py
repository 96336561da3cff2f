# SPDX-License-Identifier: Apache-2.0
"""The exact command lines for each kind of target."""

from __future__ import annotations

import dataclasses
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.cross import zig_process
from setuptools_tvm_ffi.cross.targets import parse_target
from setuptools_tvm_ffi.cross.zig_process import check_project, find_zig_toolchain
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.settings import ExtensionSettings, Project, ProjectSettings
from setuptools_tvm_ffi.toolchains import (
    Compiler,
    CompileUnit,
    EnvironmentFlags,
    HeaderUnit,
    LinkUnit,
    Sibling,
    library_filename,
)
from setuptools_tvm_ffi.toolchains.input_symbols import InputSymbols
from setuptools_tvm_ffi.toolchains.zig import ZigToolchain, check_settings, driver_command

SDK = TVMFFISdk(Version("0.1.15"), ("sdk/include",), "sdk/lib", "libtvm_ffi.so")
PLAIN = ExtensionSettings(name="pkg.ops", sources=("a.cc",))
SYSTEMS = {
    "x86_64-linux-gnu.2.17": "linux",
    "aarch64-linux-gnu.2.28": "linux",
    "x86_64-linux-musl": "linux",
    "aarch64-linux-musl": "linux",
    "aarch64-macos.11.0": "darwin",
    "x86_64-macos.11.0": "darwin",
    "x86_64-windows-gnu": "windows",
    "aarch64-windows-gnu": "windows",
}
STRIP = {
    "linux": ("-Wl,--strip-all",),
    "darwin": ("-Wl,-x", "-Wl,-S"),
    "windows": ("-Wl,--strip-all",),
}
KIND = {
    "linux": (
        *("-shared", "-Wl,-soname,libops.so", "-Wl,-z,defs"),
        *("-Wl,--version-script=build/local-symbols.map", "build/unload.c"),
    ),
    "darwin": (
        *("-dynamiclib", "-Wl,-install_name,@rpath/libops.dylib"),
        "-Wl,-headerpad_max_install_names",
    ),
    "windows": ("-shared",),
}


def toolchain(
    target: str, environment: EnvironmentFlags | None = None, **project: Any
) -> ZigToolchain:
    compilers = {
        language: Compiler(driver_command(target, language), "clang", "zig 0.17.1")
        for language in ("c", "cxx")
    }
    settings = ProjectSettings(strip=True, **project)
    flags = environment or EnvironmentFlags()
    return ZigToolchain(compilers, SYSTEMS[target], "/project", flags, settings)


def unit(system: str, *siblings: Sibling) -> LinkUnit:
    library = f"build/{library_filename(system, 'ops')}"
    return LinkUnit(("a.o",), frozenset({"cxx"}), library, f"{library}.rsp", siblings)


@pytest.mark.parametrize(("target", "system"), SYSTEMS.items())
def test_a_source_is_compiled_with_these_arguments(target: str, system: str) -> None:
    tools = toolchain(target)
    flags = tools.compile_flags(PLAIN, SDK, "cxx")
    made = tools.compile_command(flags, CompileUnit("a.cc", "cxx", "a.o", "a.o.d"))
    assert made == (
        *("zig", "c++", "-target", target),
        *("-g0", "-fno-sanitize=undefined"),
        *(("-include", "windows-stand-ins.h") if system == "windows" else ()),
        *("-std=c++17", "-O3", "-DNDEBUG", "-fPIC", "-pipe"),
        *("-fvisibility=hidden", "-fvisibility-inlines-hidden"),
        *("-ffile-prefix-map=/project=.", "-ffile-prefix-map=sdk/include/="),
        *("-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1", "-isystem", "sdk/include"),
        *("-MD", "-MQ", "a.o", "-MF", "a.o.d", "-c", "a.cc", "-o", "a.o"),
    )


@pytest.mark.parametrize("target", SYSTEMS)
def test_a_header_is_precompiled_as_with_clang(target: str) -> None:
    tools = toolchain(target)
    made = tools.precompile(("-O3",), HeaderUnit("build/all.h", "cxx", "build/all.cc", "all.d"))
    assert made is not None
    assert made.output == "build/all.h.pch"
    assert made.command == (
        *("zig", "c++", "-target", target, "-O3"),
        *("-MD", "-MQ", "build/all.h.pch", "-MF", "all.d", "-Xclang", "-fno-pch-timestamp"),
        *("-x", "c++-header", "build/all.h", "-o", "build/all.h.pch"),
    )


def test_assembly_for_windows_includes_no_header() -> None:
    tools = toolchain("x86_64-windows-gnu")
    flags = tools.compile_flags(PLAIN, SDK, "asm")
    assert flags[:4] == ("-g0", "-fno-sanitize=undefined", "-O3", "-DNDEBUG")
    assert driver_command("x86_64-windows-gnu", "asm")[:2] == ("zig", "cc")


def test_zig_is_not_asked_for_its_library_path() -> None:
    linked = unit("linux")
    assert toolchain("x86_64-linux-musl").library_path_question(("-shared",), linked) == ()


@pytest.mark.parametrize(("target", "system"), SYSTEMS.items())
def test_a_library_is_linked_with_these_arguments(target: str, system: str) -> None:
    tools = toolchain(target)
    linked = unit(system)
    flags = tools.link_flags(PLAIN, SDK, linked, "build")
    assert tools.link_command(flags, linked) == (
        *("zig", "c++", "-target", target),
        *("-o", linked.library, f"@{linked.response_file}"),
        *("-Os", *KIND[system], *STRIP[system]),
        *("-Lsdk/lib", "-ltvm_ffi"),
        *(("-Wl,--out-implib,build/ops.lib",) if system == "windows" else ()),
    )


def test_a_c_library_is_linked_by_the_c_compiler() -> None:
    linked = LinkUnit(("a.o",), frozenset({"c"}), "build/libops.so", "build/libops.so.rsp")
    assert toolchain("x86_64-linux-musl").link_command((), linked)[:2] == ("zig", "cc")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("x86_64-linux-gnu.2.17", ("build/libcore.so", "-Wl,-rpath,$ORIGIN")),
        ("aarch64-macos.11.0", ("build/libcore.dylib", "-Wl,-rpath,@loader_path")),
        ("x86_64-windows-gnu", ("build/core.lib",)),
    ],
)
def test_a_sibling_is_linked_with_the_arguments_of_its_platform(
    target: str, words: tuple[str, ...]
) -> None:
    system = SYSTEMS[target]
    sibling = Sibling("core", f"build/{library_filename(system, 'core')}", ".")
    settings = dataclasses.replace(PLAIN, libraries=("core",))
    flags = toolchain(target).link_flags(settings, SDK, unit(system, sibling), "build")
    plain = toolchain(target).link_flags(PLAIN, SDK, unit(system), "build")
    assert tuple(flag for flag in flags if flag not in plain) == words


def test_optimisation_levels_in_cflags_apply_to_compile_commands_only() -> None:
    environment = EnvironmentFlags(cxxflags=("-O0", "-g", "-fopenmp"))
    tools = toolchain("x86_64-linux-gnu.2.17", environment)
    assert {"-O0", "-g", "-fopenmp"} <= set(tools.compile_flags(PLAIN, SDK, "cxx"))
    flags = tools.link_flags(PLAIN, SDK, unit("linux"), "build")
    assert "-fopenmp" in flags
    assert not {"-O0", "-g"} & set(flags)


def test_debug_information_is_generated_on_request() -> None:
    tools = toolchain("x86_64-linux-gnu.2.17", build_type="release-debug-info")
    flags = tools.compile_flags(PLAIN, SDK, "cxx")
    assert "-g" in flags
    assert "-g0" not in flags


def test_on_linux_the_operators_of_the_linked_in_c_library_stay_local() -> None:
    script = toolchain("x86_64-linux-gnu.2.17").support_files()["local-symbols.map"]
    assert "    _Zn[aw]*;\n" in script
    assert "    _Zd[al]*;\n" in script


@pytest.mark.parametrize("target", SYSTEMS)
def test_headers_of_third_parties_are_system_headers(target: str) -> None:
    settings = dataclasses.replace(
        PLAIN, system_include_dirs=("third_party",), include_from=("build/numpy",)
    )
    flags = toolchain(target).compile_flags(settings, SDK, "cxx")
    folders = ("sdk/include", "third_party", "build/numpy")
    expected = tuple(word for folder in folders for word in ("-isystem", folder))
    first = flags.index("-isystem")
    assert flags[first : first + 6] == expected
    assert "-ffile-prefix-map=build/numpy/=" in flags


def test_a_library_without_headers_of_tvm_ffi_needs_no_stand_ins() -> None:
    settings = dataclasses.replace(PLAIN, link_header=False)
    assert "-include" not in toolchain("x86_64-windows-gnu").compile_flags(settings, SDK, "c")


@pytest.mark.parametrize(
    ("changes", "system", "said"),
    [
        ({"extra_objects": ("pre/liba.a",)}, "linux", "exclude_libs: .* pre/liba.a"),
        ({"cuda_toolkit": True}, "linux", "cuda_toolkit: Zig"),
        ({"debug_symbols": True}, "darwin", "debug_symbols: Zig .* macOS"),
        ({"debug_symbols": True}, "windows", "debug_symbols: Zig .* Windows"),
        ({"pkg_config": ("zlib",)}, "linux", "pkg_config: .* this machine"),
    ],
)
def test_settings_that_zig_does_not_support_are_rejected(
    changes: dict[str, Any], system: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        check_settings(dataclasses.replace(PLAIN, **changes), system)


@pytest.mark.parametrize(
    ("settings", "languages", "said"),
    [
        (ProjectSettings(), {"cuda", "cxx"}, "sources in CUDA cannot be compiled"),
        (ProjectSettings(), {"hip"}, "sources in HIP cannot be compiled"),
        (
            ProjectSettings(build_type="address-sanitizer"),
            {"c"},
            "address-sanitizer is not available",
        ),
        (ProjectSettings(lto=True), {"c"}, "no link-time optimization"),
    ],
)
def test_unsupported_settings_and_languages_are_rejected(
    settings: ProjectSettings,
    languages: set[str],
    said: str,
) -> None:
    target = parse_target("aarch64-macos.11.0", where="--target")
    with pytest.raises(ConfigurationError, match=said):
        check_project(target, languages, Project(settings))


def test_components_that_zig_links_in_are_listed() -> None:
    def parts(target: str, *languages: str) -> list[tuple[str, str | None]]:
        chosen = dataclasses.replace(toolchain(target), llvm="22.1.8", mingw="15.0.0")
        return [(name, version) for name, version, _ in chosen.static_parts(set(languages))]

    zig, llvm = "0.17.1", "22.1.8"
    assert parts("x86_64-linux-gnu.2.17", "c") == [("compiler_rt", zig)]
    assert parts("aarch64-macos.11.0", "c", "cxx") == [
        ("compiler_rt", zig),
        ("libc++", llvm),
        ("libc++abi", llvm),
    ]
    assert parts("x86_64-windows-gnu", "cxx") == [
        ("compiler_rt", zig),
        ("libc++", llvm),
        ("libc++abi", llvm),
        ("libunwind", llvm),
        ("mingw-w64", "15.0.0"),
    ]
    assert toolchain("x86_64-windows-gnu").compilers["cxx"].product == "zig"


def test_zig_and_the_versions_of_its_libraries_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zig = tmp_path / "ziglang"
    for name, text in {
        "libcxx/include/__config": "#ifdef __cplusplus\n#  define _LIBCPP_VERSION 220108\n",
        "libc/include/any-windows-any/_mingw_mac.h": "#define __MINGW64_VERSION_MAJOR 15\n"
        "#define __MINGW64_VERSION_MINOR 0\n#define __MINGW64_VERSION_BUGFIX 1\n",
    }.items():
        (zig / "lib" / name).parent.mkdir(parents=True)
        (zig / "lib" / name).write_text(text)
    monkeypatch.setattr(metadata, "version", {"ziglang": "0.17.1"}.__getitem__)
    monkeypatch.setattr(zig_process, "zig_folder", lambda: zig)
    monkeypatch.setattr(os, "environ", {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": ""})
    # A CI cache may restore the link as a folder.
    link = tmp_path / "build" / "zig-lib"
    (link / "libcxx").mkdir(parents=True)
    target = parse_target("x86_64-windows-gnu", where="--target")
    prebuilt = ExtensionSettings(name="pkg.ops", sources=("a.cc",), extra_objects=("b.obj",))
    found = find_zig_toolchain(
        *(target, {"cxx"}, tmp_path, Path("build"), Project(ProjectSettings())),
        extensions=[prebuilt],
    )
    # No nm has read b.obj, so it may need the C++ runtime.
    assert found.inputs == {"pkg.ops": InputSymbols(needs_cxx=True)}
    assert (found.llvm, found.mingw) == ("22.1.8", "15.0.1")
    assert found.compilers["cxx"].version == "zig 0.17.1"
    assert link.is_symlink()
    assert (link / "libcxx" / "include" / "__config").is_file()
    assert os.environ["ZIG_LIB_DIR"] == "build/zig-lib"


@pytest.mark.long
@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="loads the library"
)
@pytest.mark.parametrize("target", ["x86_64-linux-gnu.2.17", "x86_64-linux-gnu.2.34", None])
def test_handlers_of_a_library_run_when_it_is_unloaded(tmp_path: Path, target: str | None) -> None:
    """The native compiler gives the same result."""
    zig = pytest.importorskip("ziglang")
    if target is None:
        compile_command: tuple[str, ...] = ("cc",)
        more: tuple[str, ...] = ()
    else:
        _, *arguments = driver_command(target, "c")
        compile_command = (str(Path(zig.__file__).with_name("zig")), *arguments)
        (tmp_path / "unload.c").write_text(
            toolchain("x86_64-linux-gnu.2.17").support_files()["unload.c"]
        )
        more = ("unload.c",)
    (tmp_path / "a.c").write_text(
        "#include <stdlib.h>\n#include <unistd.h>\n"
        'static void handler(void) { write(1, "handler ", 8); }\n'
        '__attribute__((destructor)) static void end(void) { write(1, "destructor ", 11); }\n'
        "int start(void) { return atexit(handler); }\n"
    )
    flags = ("-Os", "-fPIC", "-shared", "-Wl,-z,defs", "-o", "liba.so", "a.c")
    subprocess.run([*compile_command, *flags, *more], cwd=tmp_path, check=True)
    code = (
        "import ctypes, _ctypes, os; library = ctypes.CDLL('./liba.so'); library.start(); "
        "_ctypes.dlclose(library._handle); os.write(1, b'unloaded')"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.stdout, result.returncode) == ("destructor handler unloaded", 0)
