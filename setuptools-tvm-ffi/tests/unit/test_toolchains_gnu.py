# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from packaging.version import Version
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
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain
from setuptools_tvm_ffi.toolchains.input_symbols import InputSymbols

RELEASE = ProjectSettings()
SDK = TVMFFISdk(
    version=Version("0.1.15.post2"),
    include_dirs=("build/sdk/include", "build/sdk/dlpack-include"),
    library_dir="build/sdk/lib",
    library="libtvm_ffi.so",
)
PLAIN = ExtensionSettings(name="pkg.ops", sources=("a.cpp",))
FULL = ExtensionSettings(
    name="pkg.ops",
    sources=("a.cpp", "b.c"),
    include_dirs=("include", "vendor dir/include"),
    define_macros=(("WITH_X", None), ("LEVEL", "3"), ("TEXT", '"a b"')),
    undef_macros=("NDEBUG",),
    extra_compile_args=LanguageArguments(c=("-Wc-declared",), cxx=("-Wcxx-declared", "-O0")),
    extra_link_args=("-Wl,-s",),
    libraries=("z", "m"),
    library_dirs=("vendor/lib",),
    extra_objects=("prebuilt/a.o", "prebuilt/libb.a"),
    c_std="17",
    cxx_std="20",
)
ENVIRONMENT = EnvironmentFlags(
    cppflags=("-DP",),
    cflags=("-DC",),
    cxxflags=("-DX",),
    ldflags=("-Wl,-O1",),
    archflags=("-arch", "arm64", "-arch", "x86_64"),
    deployment_target="11.0",
)
CXX_UNIT = CompileUnit("src/a.cpp", "cxx", "build/o/a.cpp.o", "build/o/a.cpp.o.d")
C_UNIT = CompileUnit("src/b.c", "c", "build/o/b.c.o", "build/o/b.c.o.d")
C, CXX = frozenset({"c"}), frozenset({"cxx"})
LINUX = LinkUnit(("build/o/a.cpp.o",), CXX, "build/libops.so", "build/libops.so.rsp")
C_LINUX = LinkUnit(("build/o/b.c.o",), C, "build/libops.so", "build/libops.so.rsp")
DARWIN = LinkUnit(("build/o/a.cpp.o",), CXX, "build/libops.dylib", "build/libops.dylib.rsp")

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on PATH")


def toolchain(
    family: str = "gcc",
    *,
    system: str = "linux",
    root: str = "/project",
    environment: EnvironmentFlags = ENVIRONMENT,
    project: ProjectSettings = RELEASE,
) -> GnuToolchain:
    c, cxx = {"gcc": ("gcc", "g++"), "clang": ("clang", "clang++")}[family]
    compilers = {
        "c": Compiler((c,), family, f"{c} 1.0"),
        "cxx": Compiler(("ccache", cxx, "-m64"), family, f"{cxx} 1.0"),
    }
    return GnuToolchain(compilers, system, root, environment, project)


def compile_command(
    tools: GnuToolchain, settings: ExtensionSettings, unit: CompileUnit
) -> tuple[str, ...]:
    return tools.compile_command(tools.compile_flags(settings, SDK, unit.language), unit)


def link_command(
    tools: GnuToolchain, settings: ExtensionSettings, unit: LinkUnit
) -> tuple[str, ...]:
    return tools.link_command(tools.link_flags(settings, SDK, unit, "build"), unit)


def test_gcc_compiles_cxx_on_linux() -> None:
    assert compile_command(toolchain(), FULL, CXX_UNIT) == (
        "ccache",
        "g++",
        "-m64",
        "-std=c++20",
        "-O3",
        "-DNDEBUG",
        "-fPIC",
        "-pipe",
        "-fvisibility=hidden",
        "-fvisibility-inlines-hidden",
        "-fno-gnu-unique",
        "-ffile-prefix-map=/project=.",
        "-ffile-prefix-map=build/sdk/include/=",
        "-ffile-prefix-map=build/sdk/dlpack-include/=",
        "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
        "-DWITH_X",
        "-DLEVEL=3",
        '-DTEXT="a b"',
        "-UNDEBUG",
        "-Iinclude",
        "-Ivendor dir/include",
        "-isystem",
        "build/sdk/include",
        "-isystem",
        "build/sdk/dlpack-include",
        "-DP",
        "-DX",
        "-Wcxx-declared",
        "-O0",
        "-MD",
        "-MQ",
        "build/o/a.cpp.o",
        "-MF",
        "build/o/a.cpp.o.d",
        "-c",
        "src/a.cpp",
        "-o",
        "build/o/a.cpp.o",
    )


def test_gcc_compiles_c_on_linux() -> None:
    assert compile_command(toolchain(), FULL, C_UNIT) == (
        "gcc",
        "-std=c17",
        "-O3",
        "-DNDEBUG",
        "-fPIC",
        "-pipe",
        "-fvisibility=hidden",
        "-ffile-prefix-map=/project=.",
        "-ffile-prefix-map=build/sdk/include/=",
        "-ffile-prefix-map=build/sdk/dlpack-include/=",
        "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
        "-DWITH_X",
        "-DLEVEL=3",
        '-DTEXT="a b"',
        "-UNDEBUG",
        "-Iinclude",
        "-Ivendor dir/include",
        "-isystem",
        "build/sdk/include",
        "-isystem",
        "build/sdk/dlpack-include",
        "-DP",
        "-DC",
        "-Wc-declared",
        "-MD",
        "-MQ",
        "build/o/b.c.o",
        "-MF",
        "build/o/b.c.o.d",
        "-c",
        "src/b.c",
        "-o",
        "build/o/b.c.o",
    )


def test_clang_compiles_cxx_on_linux_without_gcc_options() -> None:
    tools = toolchain("clang", environment=EnvironmentFlags())
    assert compile_command(tools, PLAIN, CXX_UNIT) == (
        "ccache",
        "clang++",
        "-m64",
        "-std=c++17",
        "-O3",
        "-DNDEBUG",
        "-fPIC",
        "-pipe",
        "-fvisibility=hidden",
        "-fvisibility-inlines-hidden",
        "-ffile-prefix-map=/project=.",
        "-ffile-prefix-map=build/sdk/include/=",
        "-ffile-prefix-map=build/sdk/dlpack-include/=",
        "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
        "-isystem",
        "build/sdk/include",
        "-isystem",
        "build/sdk/dlpack-include",
        "-MD",
        "-MQ",
        "build/o/a.cpp.o",
        "-MF",
        "build/o/a.cpp.o.d",
        "-c",
        "src/a.cpp",
        "-o",
        "build/o/a.cpp.o",
    )


def test_clang_compiles_c_on_linux() -> None:
    tools = toolchain("clang", environment=EnvironmentFlags())
    assert compile_command(tools, PLAIN, C_UNIT) == (
        "clang",
        "-std=c11",
        "-O3",
        "-DNDEBUG",
        "-fPIC",
        "-pipe",
        "-fvisibility=hidden",
        "-ffile-prefix-map=/project=.",
        "-ffile-prefix-map=build/sdk/include/=",
        "-ffile-prefix-map=build/sdk/dlpack-include/=",
        "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
        "-isystem",
        "build/sdk/include",
        "-isystem",
        "build/sdk/dlpack-include",
        "-MD",
        "-MQ",
        "build/o/b.c.o",
        "-MF",
        "build/o/b.c.o.d",
        "-c",
        "src/b.c",
        "-o",
        "build/o/b.c.o",
    )


# Apple's compiler and linker cannot run here, so check only the command lines.
def test_apple_clang_compiles_cxx_for_the_declared_architectures_and_release() -> None:
    assert compile_command(toolchain("clang", system="darwin"), PLAIN, CXX_UNIT) == (
        "ccache",
        "clang++",
        "-m64",
        "-std=c++17",
        "-O3",
        "-DNDEBUG",
        "-fPIC",
        "-pipe",
        "-fvisibility=hidden",
        "-fvisibility-inlines-hidden",
        "-arch",
        "arm64",
        "-arch",
        "x86_64",
        "-mmacosx-version-min=11.0",
        "-ffile-prefix-map=/project=.",
        "-ffile-prefix-map=build/sdk/include/=",
        "-ffile-prefix-map=build/sdk/dlpack-include/=",
        "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
        "-isystem",
        "build/sdk/include",
        "-isystem",
        "build/sdk/dlpack-include",
        "-DP",
        "-DX",
        "-MD",
        "-MQ",
        "build/o/a.cpp.o",
        "-MF",
        "build/o/a.cpp.o.d",
        "-c",
        "src/a.cpp",
        "-o",
        "build/o/a.cpp.o",
    )


def test_apple_clang_links_for_the_declared_architectures_and_release() -> None:
    assert link_command(toolchain("clang", system="darwin"), FULL, DARWIN) == (
        "ccache",
        "clang++",
        "-m64",
        "-o",
        "build/libops.dylib",
        "@build/libops.dylib.rsp",
        "-dynamiclib",
        "-Wl,-install_name,@rpath/libops.dylib",
        "-Wl,-unexported_symbols_list,build/unexported-symbols.txt",
        "-arch",
        "arm64",
        "-arch",
        "x86_64",
        "-mmacosx-version-min=11.0",
        "-DX",
        "-Wl,-O1",
        "prebuilt/a.o",
        "-Wl,-load_hidden,prebuilt/libb.a",
        "-Lvendor/lib",
        "-lz",
        "-lm",
        "-Lbuild/sdk/lib",
        "-ltvm_ffi",
        "-Wl,-s",
    )


def test_apple_clang_uses_its_defaults_without_declarations() -> None:
    tools = toolchain("clang", system="darwin", environment=EnvironmentFlags())
    words = (*compile_command(tools, PLAIN, C_UNIT), *link_command(tools, PLAIN, DARWIN))
    assert not [word for word in words if word == "-arch" or "version-min" in word]


def test_architectures_and_release_of_macos_are_ignored_on_linux() -> None:
    words = (
        *compile_command(toolchain(), FULL, CXX_UNIT),
        *link_command(toolchain(), FULL, LINUX),
    )
    assert not [word for word in words if word == "-arch" or "version-min" in word]


def test_gcc_links_cxx_on_linux() -> None:
    assert link_command(toolchain(), FULL, LINUX) == (
        "ccache",
        "g++",
        "-m64",
        "-o",
        "build/libops.so",
        "@build/libops.so.rsp",
        "-shared",
        "-Wl,-soname,libops.so",
        "-Wl,-z,defs",
        "-Wl,--version-script=build/local-symbols.map",
        "-Wl,--exclude-libs,ALL",
        "-DX",
        "-Wl,-O1",
        "prebuilt/a.o",
        "prebuilt/libb.a",
        "-Lvendor/lib",
        "-lz",
        "-lm",
        "-Lbuild/sdk/lib",
        "-ltvm_ffi",
        "-Wl,-s",
    )


def test_gcc_links_a_c_library_with_the_c_compiler() -> None:
    assert link_command(toolchain(), PLAIN, C_LINUX) == (
        "gcc",
        "-o",
        "build/libops.so",
        "@build/libops.so.rsp",
        "-shared",
        "-Wl,-soname,libops.so",
        "-Wl,-z,defs",
        "-Wl,--version-script=build/local-symbols.map",
        "-Wl,--exclude-libs,ALL",
        "-DC",
        "-Wl,-O1",
        "-Lbuild/sdk/lib",
        "-ltvm_ffi",
    )


def test_clang_links_on_linux_like_gcc() -> None:
    gcc, clang = toolchain("gcc"), toolchain("clang")
    assert clang.link_flags(FULL, SDK, LINUX, "b") == gcc.link_flags(FULL, SDK, LINUX, "b")


def test_a_launcher_starts_the_compiler_but_not_the_linker() -> None:
    compiler = Compiler(("g++",), "gcc", "g++ 1.0", launcher=("ccache", "--quiet"))
    tools = GnuToolchain({"cxx": compiler}, "linux", "/project", EnvironmentFlags())
    assert compile_command(tools, PLAIN, CXX_UNIT)[:3] == ("ccache", "--quiet", "g++")
    assert link_command(tools, PLAIN, LINUX)[0] == "g++"


SIBLINGS = (
    Sibling("base", "build/pkg.base/libbase.so", "."),
    Sibling("deep", "build/pkg.x.deep/libdeep.so", "x"),
    Sibling("far", "build/other.far/libfar.so", "../other"),
)


def after_the_libraries(words: tuple[str, ...], first: str) -> tuple[str, ...]:
    """Return the arguments from the first linked library to apache-tvm-ffi's libraries."""
    return words[words.index(first) : words.index("-Lbuild/sdk/lib")]


def test_siblings_are_linked_by_their_files_and_found_from_the_library_at_run_time() -> None:
    settings = dataclasses.replace(PLAIN, libraries=("z", "far", "base", "m", "deep"))
    unit = dataclasses.replace(LINUX, siblings=SIBLINGS)
    assert after_the_libraries(link_command(toolchain(), settings, unit), "-lz") == (
        "-lz",
        "build/other.far/libfar.so",
        "build/pkg.base/libbase.so",
        "-lm",
        "build/pkg.x.deep/libdeep.so",
        "-Wl,-rpath,$ORIGIN",
        "-Wl,-rpath,$ORIGIN/x",
        "-Wl,-rpath,$ORIGIN/../other",
    )


def test_on_macos_siblings_are_found_from_the_library_that_loads_them() -> None:
    settings = dataclasses.replace(PLAIN, libraries=("far", "base"))
    unit = dataclasses.replace(DARWIN, siblings=(SIBLINGS[2], SIBLINGS[0]))
    words = link_command(toolchain("clang", system="darwin"), settings, unit)
    assert after_the_libraries(words, "build/other.far/libfar.so") == (
        "build/other.far/libfar.so",
        "build/pkg.base/libbase.so",
        "-Wl,-rpath,@loader_path",
        "-Wl,-rpath,@loader_path/../other",
    )


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_without_siblings_there_is_no_run_path(system: str) -> None:
    words = link_command(toolchain("clang", system=system), FULL, LINUX)
    assert not [word for word in words if "rpath," in word]


def test_on_macos_debug_symbols_are_collected_into_a_bundle_beside_the_library() -> None:
    settings = dataclasses.replace(PLAIN, debug_symbols=True)
    bundle = "build/libops.dylib.dSYM"
    assert toolchain("clang", system="darwin").companion(settings, DARWIN) == Companion(
        files=(
            f"{bundle}/Contents/Info.plist",
            f"{bundle}/Contents/Resources/DWARF/libops.dylib",
        ),
        command=("dsymutil", "build/libops.dylib", "-o", bundle),
    )
    assert toolchain("clang", system="darwin").companion(PLAIN, DARWIN) is None


@pytest.mark.parametrize("family", ["gcc", "clang"])
def test_on_linux_nothing_is_shipped_beside_the_library(family: str) -> None:
    settings = dataclasses.replace(PLAIN, debug_symbols=True)
    assert toolchain(family).companion(settings, LINUX) is None


@pytest.mark.parametrize(
    ("language", "expected"),
    [("c", ["-DP", "-DC", "-Wc-declared"]), ("cxx", ["-DP", "-DX", "-Wcxx-declared", "-O0"])],
)
def test_the_order_of_flags_is_ours_then_environment_then_settings(
    language: str, expected: list[str]
) -> None:
    flags = toolchain().compile_flags(FULL, SDK, language)
    assert list(flags[-len(expected) :]) == expected


def test_arguments_of_a_language_apply_to_that_language_only() -> None:
    c = toolchain().compile_flags(FULL, SDK, "c")
    cxx = toolchain().compile_flags(FULL, SDK, "cxx")
    assert not {"-Wcxx-declared", "-DX", "-std=c++20", "-fno-gnu-unique"} & set(c)
    assert not {"-Wc-declared", "-DC", "-std=c17"} & set(cxx)


@pytest.mark.parametrize(
    ("standard", "option"), [("17", "c++17"), ("20", "c++20"), ("23", "c++2b"), ("26", "c++2c")]
)
def test_every_cxx_standard_has_an_option_that_all_compilers_support(
    standard: str, option: str
) -> None:
    settings = ExtensionSettings(name="p.x", sources=("a.c",), cxx_std=standard)
    assert toolchain().compile_flags(settings, SDK, "cxx")[0] == f"-std={option}"


@pytest.mark.parametrize(("standard", "option"), [("11", "c11"), ("17", "c17"), ("23", "c2x")])
def test_every_c_standard_has_an_option_that_all_compilers_support(
    standard: str, option: str
) -> None:
    settings = ExtensionSettings(name="p.x", sources=("a.c",), c_std=standard)
    assert toolchain().compile_flags(settings, SDK, "c")[0] == f"-std={option}"


def test_a_root_with_an_equals_sign_is_not_mapped() -> None:
    flags = toolchain(root="/projects/a=b").compile_flags(PLAIN, SDK, "cxx")
    assert [flag for flag in flags if "prefix-map" in flag] == [
        "-ffile-prefix-map=build/sdk/include/=",
        "-ffile-prefix-map=build/sdk/dlpack-include/=",
    ]


def test_only_linux_has_a_version_script_and_only_macos_a_list_of_symbols() -> None:
    assert set(toolchain(system="linux").support_files()) == {"local-symbols.map"}
    assert set(toolchain(system="darwin").support_files()) == {"unexported-symbols.txt"}


def test_object_suffix_and_dependency_style() -> None:
    assert (toolchain().object_suffix, toolchain().dependency_style) == (".o", "gcc")


def test_a_shell_line_is_quoted_for_a_shell() -> None:
    command = ("c++", '-DTEXT="a b"', "it's", "$HOME", "a;b", "*", "\\", "ü", "")
    assert shlex.split(toolchain().shell_line(command)) == list(command)
    echoed = subprocess.run(
        ["sh", "-c", toolchain().shell_line(("printf", "%s\\n", *command))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert echoed.stdout.split("\n")[:-1] == list(command)


def test_a_response_file_has_one_object_per_line() -> None:
    assert toolchain().response_file_content(("a.o", "dir/b.o")) == "a.o\ndir/b.o"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a b.o", "a\\ b.o"),
        ("it's.o", "it\\'s.o"),
        ('say "hi".o', 'say\\ \\"hi\\".o'),
        ("back\\slash.o", "back\\\\slash.o"),
        ("tab\there.o", "tab\\\there.o"),
        ("cost$5#ü.o", "cost$5#ü.o"),
    ],
)
def test_a_response_file_escapes_special_characters(name: str, written: str) -> None:
    assert toolchain().response_file_content((name,)) == written


@needs_gcc
@pytest.mark.parametrize("separator", ["\n", " "])  # as in the file, and as ninja writes it
def test_the_driver_reads_objects_with_odd_names_from_a_response_file(
    tmp_path: Path, separator: str
) -> None:
    names = ["a b", "it's", 'say "hi"', "back\\slash", "tab\there", "$HOME", "half#", "üñ", "a;b"]
    objects = []
    for number, name in enumerate(names):
        objects.append(f"{name}.o")
        subprocess.run(
            ["gcc", "-fPIC", "-x", "c", "-c", "-", "-o", f"./{name}.o"],
            cwd=tmp_path,
            input=f"int f{number}(void) {{ return {number}; }}\n".encode(),
            check=True,
        )
    content = toolchain().response_file_content(tuple(objects)).replace("\n", separator)
    (tmp_path / "objects.rsp").write_text(content, encoding="utf-8")
    subprocess.run(["gcc", "-shared", "-o", "all.so", "@objects.rsp"], cwd=tmp_path, check=True)
    if shutil.which("nm") is not None:
        symbols = subprocess.run(
            ["nm", "-D", "--defined-only", "all.so"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        found = {line.split()[-1] for line in symbols.stdout.splitlines()}
        assert {f"f{number}" for number in range(len(names))} <= found


# --- assembly -----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["gcc", "clang"])
def test_assembly_is_compiled_with_these_arguments(family: str) -> None:
    settings = dataclasses.replace(
        FULL, extra_compile_args=LanguageArguments(c=("-Wc",), asm=("-Wa,--noexecstack",))
    )
    made = toolchain(family, environment=dataclasses.replace(ENVIRONMENT, cppflags=("-DP",)))
    compilers = {**made.compilers, "asm": made.compilers["c"]}
    made = dataclasses.replace(made, compilers=compilers)
    flags = made.compile_flags(settings, SDK, "asm")
    assert flags == (
        *("-O3", "-DNDEBUG", "-fPIC", "-pipe", "-Wno-unused-command-line-argument"),
        "-ffile-prefix-map=/project=.",
        "-ffile-prefix-map=build/sdk/include/=",
        "-ffile-prefix-map=build/sdk/dlpack-include/=",
        "-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1",
        *("-DWITH_X", "-DLEVEL=3", '-DTEXT="a b"', "-UNDEBUG"),
        *("-Iinclude", "-Ivendor dir/include"),
        *("-isystem", "build/sdk/include", "-isystem", "build/sdk/dlpack-include"),
        *("-DP", "-DC", "-Wa,--noexecstack"),
    )
    program = made.compilers["c"].command[0]
    command = made.compile_command(flags, CompileUnit("a.S", "asm", "a.o", "a.o.d"))
    assert command == (
        *(program, *flags, "-MD", "-MQ", "a.o", "-MF", "a.o.d", "-c", "a.S", "-o", "a.o"),
    )
    # The compiler does not preprocess .s files, so it writes no depfile.
    plain = made.compile_command(flags, CompileUnit("a.s", "asm", "a.o", "a.o.d"))
    assert plain == (program, *flags, "-c", "a.s", "-o", "a.o")
    question = made.include_path_question(flags, "asm")
    assert question[-3:] == ("-x", "assembler-with-cpp", "/dev/null")


def test_assembly_for_macos_has_the_architectures_and_the_version() -> None:
    made = toolchain("clang", system="darwin")
    flags = made.compile_flags(PLAIN, SDK, "asm")
    assert flags[5:9] == ("-arch", "arm64", "-arch", "x86_64")
    assert "-mmacosx-version-min=11.0" in flags


# --- prebuilt objects ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("linux", ("-Wl,-u,__tvm_ffi_f", "prebuilt/a.o", "prebuilt/libb.a")),
        ("darwin", ("-Wl,-u,___tvm_ffi_f", "prebuilt/a.o", "prebuilt/libb.a")),
    ],
)
def test_functions_of_archives_are_linked_even_if_nothing_calls_them(
    system: str, words: tuple[str, ...]
) -> None:
    inputs = InputSymbols(exporting=("prebuilt/libb.a",), archived=("__tvm_ffi_f",))
    made = dataclasses.replace(toolchain("clang", system=system), inputs={"pkg.ops": inputs})
    unit = DARWIN if system == "darwin" else LINUX
    flags = made.link_flags(FULL, SDK, unit, "build")
    at = flags.index(words[0])
    assert flags[at : at + 3] == words


@pytest.mark.parametrize(
    ("languages", "driver"),
    [
        (set(), "c"),
        ({"asm"}, "c"),
        ({"c", "asm"}, "c"),
        ({"cxx", "asm"}, "cxx"),
        ({"cuda"}, "cxx"),
    ],
)
def test_the_c_compiler_links_unless_a_language_needs_the_cxx_runtime(
    languages: set[str], driver: str
) -> None:
    assert dataclasses.replace(LINUX, languages=frozenset(languages)).driver == driver
