# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shlex
from pathlib import PurePosixPath

from packaging.version import Version
from setuptools_tvm_ffi.build_plan import BuildPlan, make_plan
from setuptools_tvm_ffi.extension import ExtensionSettings
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags, Toolchain
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain
from setuptools_tvm_ffi.toolchains.local_symbols import version_script
from setuptools_tvm_ffi.toolchains.msvc import MsvcToolchain
from setuptools_tvm_ffi.tvm_ffi_sdk import TVMFFISdk

SDK = TVMFFISdk(Version("0.1.15"), ("build/sdk/include",), "build/sdk/lib", "libtvm_ffi.so")
GNU = GnuToolchain(
    {"cxx": Compiler(("g++",), "gcc", "g++ 12.2.0"), "c": Compiler(("gcc",), "gcc", "gcc 12.2.0")},
    "linux",
    "/project",
    EnvironmentFlags(),
)
FOLDER = PurePosixPath("build/tvm-ffi.linux")


def plan(
    *extensions: tuple[str, list[str]], toolchain: Toolchain = GNU, depends: tuple[str, ...] = ()
) -> BuildPlan:
    return make_plan(
        [
            (
                ExtensionSettings(name=name, sources=tuple(files), depends=depends),
                [PurePosixPath(file) for file in files],
            )
            for name, files in extensions
        ],
        toolchain,
        SDK,
        FOLDER,
    )


def test_two_cxx_sources_and_one_c_source_make_three_objects_and_one_library() -> None:
    (library,) = plan(("pkg.ops", ["src/a.cpp", "src/deep/b.cc", "src/c.c"])).libraries
    folder = "build/tvm-ffi.linux/pkg.ops"
    objects = tuple(f"{folder}/objects/src/{name}" for name in ("a.cpp.o", "deep/b.cc.o", "c.c.o"))
    assert [(step.kind, step.inputs, step.output) for step in library.steps] == [
        ("compile", ("src/a.cpp",), objects[0]),
        ("compile", ("src/deep/b.cc",), objects[1]),
        ("compile", ("src/c.c",), objects[2]),
        ("link", objects, f"{folder}/libops.so"),
    ]
    assert [step.description for step in library.steps] == [
        "compile src/a.cpp",
        "compile src/deep/b.cc",
        "compile src/c.c",
        "link libops.so",
    ]
    assert library.library == f"{folder}/libops.so"
    assert library.settings.name == "pkg.ops"


def test_each_source_is_compiled_by_the_compiler_of_its_language() -> None:
    (library,) = plan(("pkg.ops", ["a.cpp", "b.c"])).libraries
    assert [shlex.split(step.command)[0] for step in library.steps] == ["g++", "gcc", "g++"]


def test_a_compile_command_is_that_of_the_toolchain() -> None:
    (library,) = plan(("pkg.ops", ["a.cpp"])).libraries
    obj = "build/tvm-ffi.linux/pkg.ops/objects/a.cpp.o"
    flags = GNU.compile_flags(library.settings, SDK, "cxx")
    assert shlex.split(library.steps[0].command) == [
        "g++",
        *flags,
        "-MD",
        "-MQ",
        obj,
        "-MF",
        f"{obj}.d",
        "-c",
        "a.cpp",
        "-o",
        obj,
    ]
    assert library.steps[0].depfile == f"{obj}.d"


def test_a_library_of_c_alone_is_linked_by_the_c_compiler() -> None:
    toolchain = GnuToolchain({"c": GNU.compilers["c"]}, "linux", "/project", EnvironmentFlags())
    (library,) = plan(("pkg.ops", ["a.c", "b.c"]), toolchain=toolchain).libraries
    assert [shlex.split(step.command)[0] for step in library.steps] == ["gcc", "gcc", "gcc"]


def test_the_language_of_one_library_says_nothing_about_another() -> None:
    c, cxx = plan(("pkg.c", ["a.c"]), ("pkg.cxx", ["a.c", "b.cpp"])).libraries
    assert shlex.split(c.steps[-1].command)[0] == "gcc"
    assert shlex.split(cxx.steps[-1].command)[0] == "g++"


def test_the_link_reads_its_objects_from_a_response_file() -> None:
    (library,) = plan(("pkg.ops", ["a.cpp", "b c.cpp"])).libraries
    link = library.steps[-1]
    assert link.response_file == "build/tvm-ffi.linux/pkg.ops/libops.so.rsp"
    assert f"@{link.response_file}" in shlex.split(link.command)
    assert link.response_file_content == (
        "build/tvm-ffi.linux/pkg.ops/objects/a.cpp.o\n"
        "build/tvm-ffi.linux/pkg.ops/objects/b\\ c.cpp.o"
    )


def test_each_extension_has_a_folder_of_its_own() -> None:
    made = plan(("one.ops", ["a.cpp", "a.c"]), ("two.kernels", ["a.cpp", "a.c"]))
    outputs = [step.output for library in made.libraries for step in library.steps]
    assert outputs == [
        "build/tvm-ffi.linux/one.ops/objects/a.cpp.o",
        "build/tvm-ffi.linux/one.ops/objects/a.c.o",
        "build/tvm-ffi.linux/one.ops/libops.so",
        "build/tvm-ffi.linux/two.kernels/objects/a.cpp.o",
        "build/tvm-ffi.linux/two.kernels/objects/a.c.o",
        "build/tvm-ffi.linux/two.kernels/libkernels.so",
    ]


def test_a_changed_compiler_or_declared_file_makes_every_object_stale() -> None:
    made = plan(("pkg.ops", ["a.cpp", "b.c"]), depends=("table.inc", "gen/x.h"))
    stamp = "build/tvm-ffi.linux/compilers.txt"
    assert [step.extra_inputs for step in made.libraries[0].steps[:-1]] == [
        (stamp, "table.inc", "gen/x.h"),
        (stamp, "table.inc", "gen/x.h"),
    ]
    assert made.support_files[stamp] == "c: gcc 12.2.0\ncxx: g++ 12.2.0\n"


def test_a_changed_version_script_or_tvm_ffi_library_makes_the_link_stale() -> None:
    made = plan(("pkg.ops", ["a.cpp"]))
    script = "build/tvm-ffi.linux/local-symbols.map"
    assert made.libraries[0].steps[-1].extra_inputs == (script, "build/sdk/lib/libtvm_ffi.so")
    assert made.support_files[script] == version_script()
    assert f"-Wl,--version-script={script}" in made.libraries[0].steps[-1].command


def test_the_arguments_of_each_tool_are_kept_for_the_record() -> None:
    (mixed,) = plan(("pkg.ops", ["a.cpp", "b.c"])).libraries
    assert mixed.arguments == {
        "c": GNU.compile_flags(mixed.settings, SDK, "c"),
        "cxx": GNU.compile_flags(mixed.settings, SDK, "cxx"),
        "link": GNU.link_flags(mixed.settings, SDK, "cxx", str(FOLDER)),
    }
    (c_only,) = plan(("pkg.ops", ["b.c"])).libraries
    assert set(c_only.arguments) == {"c", "link"}


def test_the_same_declaration_gives_the_same_plan() -> None:
    declared = ("pkg.ops", ["a.cpp", "b.c"])
    assert plan(declared) == plan(declared)


def test_a_plan_for_windows_has_its_names() -> None:
    # Microsoft's tools cannot run here: this asserts the plan.
    cl = Compiler(("cl.exe",), "msvc", "14.40")
    toolchain = MsvcToolchain({"cxx": cl}, "link.exe", EnvironmentFlags())
    made = plan(("pkg.ops", ["src/a.cpp"]), toolchain=toolchain)
    assert made.dependency_style == "msvc"
    assert [step.output for step in made.libraries[0].steps] == [
        "build/tvm-ffi.linux/pkg.ops/objects/src/a.cpp.obj",
        "build/tvm-ffi.linux/pkg.ops/ops.dll",
    ]
    assert set(made.support_files) == {"build/tvm-ffi.linux/compilers.txt"}
