# SPDX-License-Identifier: Apache-2.0
"""Every setting has its effect on command lines, plans or wheels.

Each case sets one key, and lists the arguments that the key adds to or removes from the commands of
every toolchain. Commands that a case does not list are unchanged. `test_settings_parser.py` and
`test_settings_project.py` test that invalid values are rejected.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from packaging.version import Version
from setuptools import Distribution
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.building.jobs import Resources, count_jobs
from setuptools_tvm_ffi.building.plan import BuildPlan, Step, make_plan
from setuptools_tvm_ffi.ffi.releases import requirement_for
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.plugin.attachment import attach
from setuptools_tvm_ffi.plugin.commands.requirement import abi_floor
from setuptools_tvm_ffi.settings import ExtensionSettings, Project, ProjectSettings
from setuptools_tvm_ffi.settings.languages import LanguageArguments
from setuptools_tvm_ffi.settings.model import (
    EmbedSettings,
    GenerateSettings,
    Override,
    SourceOptions,
    VendoredSettings,
    settings_of,
)
from setuptools_tvm_ffi.toolchains import (
    Compiler,
    CompileUnit,
    EnvironmentFlags,
    LinkUnit,
    Toolchain,
)
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain
from setuptools_tvm_ffi.toolchains.hipcc import DEFAULT_ARCHITECTURES, HipccCompiler
from setuptools_tvm_ffi.toolchains.msvc import MsvcToolchain
from setuptools_tvm_ffi.toolchains.nvcc import NvccCompiler

SDK = TVMFFISdk(Version("0.1.15"), ("sdk/include", "sdk/dlpack"), "sdk/lib", "libtvm_ffi.so")
NO_FLAGS = EnvironmentFlags()


def gnu(family: str, system: str) -> Callable[[ProjectSettings], Toolchain]:
    def make(project: ProjectSettings) -> Toolchain:
        compilers = {"c": Compiler(("cc",), family, "1"), "cxx": Compiler(("c++",), family, "1")}
        return GnuToolchain(compilers, system, "/project", NO_FLAGS, project)

    return make


def with_devices(project: ProjectSettings) -> Toolchain:
    host = gnu("gcc", "linux")(project)
    nvcc = NvccCompiler(
        *(Compiler(("nvcc",), "nvcc", "13.0"), "13.0", host.compilers["cxx"]),
        known_architectures=("8.0", "9.0", "9.0a", "10.0"),
        library_dirs=("cuda/lib",),
        system="linux",
        root="/project",
        environment=NO_FLAGS,
        project=project,
        include_dirs=("cuda/include",),
    )
    hipcc = HipccCompiler(
        Compiler(("hipcc",), "hipcc", "6.0"), "/opt/rocm", "/project", NO_FLAGS, project
    )
    assert isinstance(host, GnuToolchain)
    compilers = {**host.compilers, "cuda": nvcc.compiler, "hip": hipcc.compiler}
    return dataclasses.replace(host, compilers=compilers, devices={"cuda": nvcc, "hip": hipcc})


def microsoft(family: str) -> Callable[[ProjectSettings], Toolchain]:
    def make(project: ProjectSettings) -> Toolchain:
        compilers = dict.fromkeys(("c", "cxx"), Compiler(("cl.exe",), family, "1"))
        # As `toolchains.discovery` chooses it.
        lld = family == "clang-cl" and project.lto
        linker = r"C:\LLVM\bin\lld-link.exe" if lld else r"C:\VS\link.exe"
        return MsvcToolchain(compilers, linker, NO_FLAGS, r"C:\project", project)

    return make


TOOLCHAINS = {
    "gcc": with_devices,
    "clang": gnu("clang", "linux"),
    "apple": gnu("clang", "darwin"),
    "msvc": microsoft("msvc"),
    "clang-cl": microsoft("clang-cl"),
}
GNU = ("gcc", "clang", "apple")
ELF = ("gcc", "clang")
MICROSOFT = ("msvc", "clang-cl")
EVERY = (*GNU, *MICROSOFT)
COMPILE = ("c", "cxx", "cuda", "hip")


def commands(toolchain: Toolchain, settings: ExtensionSettings) -> dict[str, tuple[str, ...]]:
    """Return the compile commands by language and the link command. The host compiler is GCC."""
    library = "build/ops.dll" if toolchain.system == "windows" else "build/libops.so"
    found = {}
    for language in ("c", "cxx", *toolchain.devices):
        compiler = toolchain.devices.get(language, toolchain)
        flags = compiler.compile_flags(settings, SDK, language)
        found[language] = compiler.compile_command(
            flags, CompileUnit("a", language, "a.o", "a.o.d")
        )
    links = {"link": {"cxx"}, **({"device link": {"cuda", "hip"}} if toolchain.devices else {})}
    for name, languages in links.items():
        unit = LinkUnit(("a.o",), frozenset(languages), library, "build/ops.rsp")
        flags = toolchain.link_flags(settings, SDK, unit, "build")
        found[name] = toolchain.link_command(flags, unit)
    return found


@dataclass(frozen=True)
class Change:
    """The arguments that a setting removes from a command and adds to it, in order."""

    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


SAME = Change()


def added(*words: str) -> Change:
    return Change(added=words)


def removed(*words: str) -> Change:
    return Change(removed=words)


def difference(before: tuple[str, ...], after: tuple[str, ...]) -> Change:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    return Change(
        tuple(word for _, first, last, _, _ in changes for word in before[first:last]),
        tuple(word for _, _, _, first, last in changes for word in after[first:last]),
    )


@dataclass(frozen=True)
class Case:
    """A value of a setting, and the changes of commands by toolchain.

    :param beside: other settings of the extension, with and without it.
    """

    value: Any
    changes: dict[tuple[str, ...], dict[str, Change]]
    beside: dict[str, Any] = field(default_factory=dict)

    def expected(self, toolchain: str, of: Iterable[str]) -> dict[str, Change]:
        """Return the changes of these commands."""
        found: dict[str, Change] = {}
        for toolchains, of_commands in self.changes.items():
            assert set(toolchains) <= set(TOOLCHAINS)
            if toolchain in toolchains:
                found.update(of_commands)
        return {command: found.get(command, SAME) for command in of}


def compiled(change: Change) -> dict[str, Change]:
    return dict.fromkeys(COMPILE, change)


def linked(change: Change) -> dict[str, Change]:
    return dict.fromkeys(("link", "device link"), change)


DEBUG_LINK = ("/DEBUG", "/OPT:REF", "/OPT:ICF", "/PDBALTPATH:%_PDB%", "/PDB:build/ops.pdb")
UNIX_MAPS = (
    "-ffile-prefix-map=/project=.",
    "-ffile-prefix-map=sdk/include/=",
    "-ffile-prefix-map=sdk/dlpack/=",
)
CLANG_CL_MAPS = (
    r"/clang:-ffile-prefix-map=C:\project=.",
    "/clang:-ffile-prefix-map=sdk/include/=",
    "/clang:-ffile-prefix-map=sdk/dlpack/=",
)

MSVC_MAPS = ("/experimental:deterministic", r"/pathmap:C:\project=.", "/wd5049")
# The linker flag for a library with debug information on macOS.
APPLE_OBJECTS = "-Wl,-oso_prefix,."

STATIC_CUDART = ("-lcudart_static", "-lrt", "-lpthread", "-ldl")

EXTENSION_CASES: dict[str, list[Case]] = {
    "include_dirs": [
        Case(
            ("include", "my headers"),
            {
                GNU: compiled(added("-Iinclude", "-Imy headers")),
                MICROSOFT: compiled(added("/Iinclude", "/Imy headers")),
            },
        )
    ],
    "system_include_dirs": [
        Case(
            ("third_party", "/opt/my lib"),
            {
                GNU: compiled(added("-isystem", "third_party", "-isystem", "/opt/my lib")),
                MICROSOFT: compiled(
                    added("/external:Ithird_party", "/external:I/opt/my lib", "/external:W0")
                ),
            },
        )
    ],
    # A build replaces the references with the folders of copies, see `building.package_headers`.
    "include_from": [
        Case(
            ("build/numpy", "build/a b"),
            {
                GNU: compiled(
                    added(
                        *("-ffile-prefix-map=build/numpy/=", "-ffile-prefix-map=build/a b/="),
                        *("-isystem", "build/numpy", "-isystem", "build/a b"),
                    )
                ),
                ("gcc",): {
                    "cuda": added(
                        "-Xcompiler=-ffile-prefix-map=build/numpy/=",
                        "-Xcompiler='-ffile-prefix-map=build/a b/='",
                        *("-isystem", "build/numpy", "-isystem", "build/a b"),
                    )
                },
                ("msvc",): compiled(
                    added("/external:Ibuild/numpy", "/external:Ibuild/a b", "/external:W0")
                ),
                ("clang-cl",): compiled(
                    added(
                        "/clang:-ffile-prefix-map=build/numpy/=",
                        "/clang:-ffile-prefix-map=build/a b/=",
                        *("/external:Ibuild/numpy", "/external:Ibuild/a b", "/external:W0"),
                    )
                ),
            },
        )
    ],
    "define_macros": [
        Case(
            (("A", None), ("B", "1"), ("F(x)", "x + 1")),
            {
                GNU: compiled(added("-DA", "-DB=1", "-DF(x)=x + 1")),
                MICROSOFT: compiled(added("/DA", "/DB=1", "/DF(x)=x + 1")),
            },
        )
    ],
    "undef_macros": [
        Case(
            ("A", "NDEBUG"),
            {
                GNU: compiled(added("-UA", "-UNDEBUG")),
                MICROSOFT: compiled(added("/UA", "/UNDEBUG")),
            },
        )
    ],
    "extra_compile_args": [
        Case(LanguageArguments(c=("-c1", "-c2")), {EVERY: {"c": added("-c1", "-c2")}}),
        Case(LanguageArguments(cxx=("-x1", "-x2")), {EVERY: {"cxx": added("-x1", "-x2")}}),
        Case(LanguageArguments(cuda=("-u1", "-u2")), {EVERY: {"cuda": added("-u1", "-u2")}}),
        Case(LanguageArguments(hip=("-h1", "-h2")), {EVERY: {"hip": added("-h1", "-h2")}}),
    ],
    "extra_link_args": [Case(("-a", "-b"), {EVERY: linked(added("-a", "-b"))})],
    "extra_objects": [
        Case(
            ("a.o", "lib/libb.a"),
            {
                (*ELF, *MICROSOFT): linked(added("a.o", "lib/libb.a")),
                ("apple",): linked(added("a.o", "-Wl,-load_hidden,lib/libb.a")),
            },
        )
    ],
    "libraries": [
        Case(
            ("z", "m"),
            {GNU: linked(added("-lz", "-lm")), MICROSOFT: linked(added("z.lib", "m.lib"))},
        )
    ],
    "library_dirs": [
        Case(
            ("lib", "/opt/my lib"),
            {
                GNU: linked(added("-Llib", "-L/opt/my lib")),
                MICROSOFT: linked(added("/LIBPATH:lib", "/LIBPATH:/opt/my lib")),
            },
        )
    ],
    "c_std": [
        Case(
            "17",
            {
                GNU: {"c": Change(("-std=c11",), ("-std=c17",))},
                MICROSOFT: {"c": Change(("/std:c11",), ("/std:c17",))},
            },
        ),
        Case(
            "23",
            {
                GNU: {"c": Change(("-std=c11",), ("-std=c2x",))},
                MICROSOFT: {"c": Change(("/std:c11",), ("/std:clatest",))},
            },
        ),
    ],
    "cxx_std": [
        Case(
            "20",
            {
                GNU: {"cxx": Change(("-std=c++17",), ("-std=c++20",))},
                MICROSOFT: {"cxx": Change(("/std:c++17",), ("/std:c++20",))},
            },
        ),
        Case(
            "23",
            {
                GNU: {"cxx": Change(("-std=c++17",), ("-std=c++2b",))},
                MICROSOFT: {"cxx": Change(("/std:c++17",), ("/std:c++latest",))},
            },
        ),
        Case(
            "26",
            {
                GNU: {"cxx": Change(("-std=c++17",), ("-std=c++2c",))},
                MICROSOFT: {"cxx": Change(("/std:c++17",), ("/std:c++latest",))},
            },
        ),
    ],
    "cuda_std": [Case("20", {("gcc",): {"cuda": Change(("-std=c++17",), ("-std=c++20",))}})],
    "hip_std": [
        Case("20", {("gcc",): {"hip": Change(("-std=c++17",), ("-std=c++20",))}}),
        Case("23", {("gcc",): {"hip": Change(("-std=c++17",), ("-std=c++2b",))}}),
    ],
    "cuda_architectures": [
        Case(
            ("9.0a", "10.0+PTX"),
            {
                ("gcc",): {
                    "cuda": Change(
                        (
                            "-gencode=arch=compute_80,code=sm_80",
                            "-gencode=arch=compute_90,code=sm_90",
                        ),
                        ("-gencode=arch=compute_90a,code=sm_90a",),
                    )
                }
            },
        )
    ],
    "hip_architectures": [
        Case(
            ("gfx1201", "gfx90a:xnack-"),
            {
                ("gcc",): {
                    "hip": Change(
                        tuple(f"--offload-arch={target}" for target in DEFAULT_ARCHITECTURES),
                        ("--offload-arch=gfx1201", "--offload-arch=gfx90a:xnack-"),
                    )
                }
            },
        )
    ],
    "cuda_runtime": [
        Case("shared", {("gcc",): {"device link": Change(STATIC_CUDART, ("-lcudart",))}}),
        Case("none", {("gcc",): {"device link": removed(*STATIC_CUDART)}}),
    ],
    "cuda_toolkit": [
        Case(
            value=True,
            changes={
                ("gcc",): {
                    **dict.fromkeys(("c", "cxx"), added("-isystem", "cuda/include")),
                    "link": added("-Lcuda/lib", *STATIC_CUDART),
                }
            },
        )
    ],
    "cuda_separable_compilation": [
        Case(
            value=True,
            changes={
                ("gcc",): {"cuda": added("-rdc=true"), "device link": added("-lcudadevrt")},
            },
        )
    ],
    "link_header": [
        Case(
            value=False,
            changes={
                GNU: compiled(removed("-isystem", "sdk/include", "-isystem", "sdk/dlpack")),
                MICROSOFT: compiled(removed("/Isdk/include", "/Isdk/dlpack")),
            },
        )
    ],
    "link_shared": [
        Case(
            value=False,
            changes={
                GNU: linked(removed("-Lsdk/lib", "-ltvm_ffi")),
                MICROSOFT: linked(removed("sdk/lib/libtvm_ffi.so")),
            },
        )
    ],
    "exclude_libs": [
        Case(
            value=False,
            changes={
                ELF: linked(removed("-Wl,--exclude-libs,ALL")),
                ("apple",): linked(Change(("-Wl,-load_hidden,b.a",), ("b.a",))),
            },
            beside={"extra_objects": ("a.o", "b.a")},
        )
    ],
    "prefix_map": [
        Case(
            value=False,
            changes={
                GNU: compiled(removed(*UNIX_MAPS)),
                ("gcc",): {"cuda": removed(*(f"-Xcompiler={word}" for word in UNIX_MAPS))},
                ("msvc",): compiled(removed(*MSVC_MAPS)),
                ("clang-cl",): compiled(removed(*CLANG_CL_MAPS)),
            },
        )
    ],
    "msvc_flags": [
        Case(
            value=False,
            changes={
                MICROSOFT: compiled(
                    removed(
                        "/bigobj",
                        "/Zc:inline",
                        "/DWIN32_LEAN_AND_MEAN",
                        "/D_CRT_SECURE_NO_WARNINGS",
                        "/D_SCL_SECURE_NO_WARNINGS",
                        "/D_ENABLE_EXTENDED_ALIGNED_STORAGE",
                        "/DNOMINMAX",
                    )
                )
            },
        )
    ],
    "debug_symbols": [
        Case(
            value=True,
            changes={
                GNU: compiled(added("-g")),
                ("apple",): {**compiled(added("-g")), "link": added(APPLE_OBJECTS)},
                MICROSOFT: {**compiled(added("/Z7")), "link": added(*DEBUG_LINK)},
            },
        )
    ],
}

NOT_RELEASE_GNU = ("-O3", "-DNDEBUG")
NOT_RELEASE_MICROSOFT = ("/O2", "/DNDEBUG")


def sanitized(name: str) -> dict[tuple[str, ...], dict[str, Change]]:
    flag = f"-fsanitize={name}"
    gnu_words = ("-O1", "-g", "-fno-omit-frame-pointer", flag)
    return {
        GNU: {
            **compiled(Change(NOT_RELEASE_GNU, gnu_words)),
            "cuda": Change(
                NOT_RELEASE_GNU,
                ("-O1", "-g", "-Xcompiler=-fno-omit-frame-pointer", f"-Xcompiler={flag}"),
            ),
        },
        ("apple",): {"link": added(APPLE_OBJECTS, flag)},
        ("gcc",): {
            **linked(added(flag)),
            "cxx": Change(
                NOT_RELEASE_GNU, (*gnu_words, *(("-Wno-tsan",) if name == "thread" else ()))
            ),
        },
        ("clang",): linked(added(flag, "-shared-libsan")),
        ("msvc",): {
            **compiled(Change(NOT_RELEASE_MICROSOFT, ("/O1", f"/fsanitize={name}", "/Z7"))),
            "link": added(*DEBUG_LINK),
        },
        ("clang-cl",): {
            **compiled(Change(NOT_RELEASE_MICROSOFT, ("/O1", flag, "/Z7"))),
            "link": added(*DEBUG_LINK),
        },
    }


PROJECT_CASES: dict[str, list[Case]] = {
    "build_type": [
        Case(
            "debug",
            {
                GNU: compiled(Change(NOT_RELEASE_GNU, ("-O0", "-g"))),
                ("apple",): {"link": added(APPLE_OBJECTS)},
                MICROSOFT: {
                    **compiled(Change(NOT_RELEASE_MICROSOFT, ("/Od", "/Z7"))),
                    "link": added(*DEBUG_LINK),
                },
            },
        ),
        Case(
            "release-debug-info",
            {
                GNU: compiled(Change(("-O3",), ("-O2", "-g"))),
                ("apple",): {"link": added(APPLE_OBJECTS)},
                MICROSOFT: {**compiled(added("/Z7")), "link": added(*DEBUG_LINK)},
            },
        ),
        Case("address-sanitizer", sanitized("address")),
        Case("undefined-sanitizer", sanitized("undefined")),
        Case("thread-sanitizer", sanitized("thread")),
    ],
    "strip": [
        Case(
            value=True,
            changes={
                ELF: linked(added("-Wl,--strip-all")),
                ("apple",): linked(added("-Wl,-x", "-Wl,-S")),
                # Microsoft's libraries hold no symbols.
            },
        )
    ],
    "lto": [
        Case(
            value=True,
            changes={
                ("gcc",): {
                    **dict.fromkeys(("c", "cxx"), added("-flto=auto")),
                    **linked(added("-flto=auto", *UNIX_MAPS)),
                },
                ("clang", "apple"): {**compiled(added("-flto=thin")), "link": added("-flto=thin")},
                ("msvc",): {**compiled(added("/GL")), "link": added("/LTCG")},
                ("clang-cl",): {
                    **compiled(added("-flto=thin")),
                    "link": Change((r"C:\VS\link.exe",), (r"C:\LLVM\bin\lld-link.exe",)),
                },
            },
        )
    ],
    "warnings_as_errors": [
        Case(
            value=True,
            changes={
                GNU: {
                    **compiled(added("-Werror")),
                    "cuda": added("-Werror=all-warnings", "-Xcompiler=-Werror"),
                },
                MICROSOFT: compiled(added("/WX")),
            },
        )
    ],
}

#: Settings whose place is no such command, with the tests that assert it.
ASSERTED_BY: dict[str, str] = {}


def asserts(*names: str) -> Callable[[Any], Any]:
    """Declare the settings that a test covers."""

    def mark(test: Any) -> Any:
        ASSERTED_BY.update(dict.fromkeys(names, test.__name__))
        return test

    return mark


def cases(of: dict[str, list[Case]]) -> list[Any]:
    return [
        pytest.param(toolchain, name, case, id=f"{name}-{number}-{toolchain}")
        for name, every in of.items()
        for number, case in enumerate(every)
        for toolchain in TOOLCHAINS
    ]


@pytest.mark.parametrize(("toolchain", "name", "case"), cases(EXTENSION_CASES))
def test_an_extension_setting_changes_only_these_arguments(
    toolchain: str, name: str, case: Case
) -> None:
    tools = TOOLCHAINS[toolchain](ProjectSettings())
    without = ExtensionSettings(name="pkg.ops", sources=("a.cc",), **case.beside)
    before = commands(tools, without)
    after = commands(tools, dataclasses.replace(without, **{name: case.value}))
    changed = {name: difference(before[name], after[name]) for name in before}
    assert changed == case.expected(toolchain, before)


@pytest.mark.parametrize(("toolchain", "name", "case"), cases(PROJECT_CASES))
def test_a_project_setting_changes_only_these_arguments(
    toolchain: str, name: str, case: Case
) -> None:
    settings = ExtensionSettings(name="pkg.ops", sources=("a.cc",), **case.beside)
    before = commands(TOOLCHAINS[toolchain](ProjectSettings()), settings)
    after = commands(TOOLCHAINS[toolchain](ProjectSettings(**{name: case.value})), settings)
    changed = {name: difference(before[name], after[name]) for name in before}
    assert changed == case.expected(toolchain, before)


@pytest.mark.parametrize("toolchain", ["gcc", "clang", "apple"])
@pytest.mark.parametrize("build_type", ["debug", "release-debug-info", "address-sanitizer"])
def test_debug_information_is_requested_once(toolchain: str, build_type: str) -> None:
    settings = ExtensionSettings(name="pkg.ops", sources=("a.cc",), debug_symbols=True)
    tools = TOOLCHAINS[toolchain](ProjectSettings(build_type=build_type))
    made = commands(tools, settings)
    assert {made[language].count("-g") for language in COMPILE if language in made} == {1}


def test_on_macos_strip_keeps_the_symbols_that_dsymutil_collects() -> None:
    settings = ExtensionSettings(name="pkg.ops", sources=("a.cc",), debug_symbols=True)
    words = commands(TOOLCHAINS["apple"](ProjectSettings(strip=True)), settings)["link"]
    assert [word for word in words if word in {"-Wl,-x", "-Wl,-S"}] == ["-Wl,-x"]


@pytest.mark.parametrize(
    ("toolchain", "name", "case"),
    [case for case in cases(EXTENSION_CASES) if hasattr(SourceOptions, case.values[1])],
)
def test_a_source_option_changes_the_commands_of_its_sources_alone(
    toolchain: str, name: str, case: Case
) -> None:
    tools = TOOLCHAINS[toolchain](ProjectSettings())
    files = {"c": "x/a.c", "cxx": "x/a.cc", "cuda": "x/a.cu", "hip": "x/a.hip"}
    sources = [PurePosixPath(files[name]) for name in ("c", "cxx", *tools.devices)]
    sources += [PurePosixPath("y", source) for source in sources]

    def steps(*options: SourceOptions) -> dict[str, tuple[str, ...]]:
        settings = ExtensionSettings("pkg.ops", ("*",), source_options=options)
        (made,) = make_plan([(settings, sources)], tools, SDK, PurePosixPath("build")).libraries
        return {step.description: step.command for step in made.steps}

    before = steps()
    after = steps(SourceOptions(sources=("x/*",), **{name: case.value}))
    changed = {name: difference(before[name], after[name]) for name in before}
    expected = case.expected(toolchain, files)
    named = {f"compile {file}": expected[language] for language, file in files.items()}
    assert changed == {step: named.get(step, SAME) for step in before}


# --- settings with another place ----------------------------------------------------------------


def plan(
    toolchain: str = "gcc", sources: tuple[str, ...] = ("a.cc",), **settings: Any
) -> BuildPlan:
    extension = ExtensionSettings(sources=sources, **{"name": "pkg.ops", **settings})
    tools = TOOLCHAINS[toolchain](ProjectSettings())
    files = [PurePosixPath(source) for source in sources]
    return make_plan([(extension, files)], tools, SDK, PurePosixPath("build"))


@asserts("name")
@pytest.mark.parametrize(
    ("toolchain", "library", "named_in_the_link"),
    [
        ("gcc", "build/a.b.ops/libops.so", "-Wl,-soname,libops.so"),
        ("apple", "build/a.b.ops/libops.dylib", "-Wl,-install_name,@rpath/libops.dylib"),
        ("msvc", "build/a.b.ops/ops.dll", "/OUT:build/a.b.ops/ops.dll"),
    ],
)
def test_the_name_determines_the_folder_the_library_and_its_file(
    toolchain: str, library: str, named_in_the_link: str
) -> None:
    (made,) = plan(toolchain, name="a.b.ops").libraries
    assert made.library == library
    assert named_in_the_link in made.steps[-1].command
    assert (made.settings.package, made.settings.prefix) == ("a.b", "a.b.")


@asserts("sources")
def test_each_source_is_compiled_once_and_linked() -> None:
    (made,) = plan(sources=("b.c", "x/a.cc")).libraries
    assert [step.inputs for step in made.steps[:-1]] == [("b.c",), ("x/a.cc",)]
    assert made.steps[-1].inputs == tuple(step.output for step in made.steps[:-1])


@asserts("depends")
def test_every_source_is_compiled_again_when_a_declared_file_has_changed() -> None:
    (made,) = plan(sources=("a.c", "b.cc"), depends=("table.inc",)).libraries
    (plain,) = plan(sources=("a.c", "b.cc")).libraries
    assert [("table.inc" in step.extra_inputs) for step in made.steps] == [True, True, False]
    assert [step.command for step in made.steps] == [step.command for step in plain.steps]


def test_the_library_is_linked_again_when_a_prebuilt_object_has_changed() -> None:
    (made,) = plan(extra_objects=("pre/a.o", "pre/libb.a")).libraries
    assert made.steps[-1].extra_inputs[-2:] == ("pre/a.o", "pre/libb.a")


@asserts("unity_build", "unity_batch_size")
@pytest.mark.parametrize(
    ("toolchain", "source", "options"),
    [
        ("gcc", "a.c", ("-include", "a.c", "-include", "b.c", "-c", "{main}")),
        ("gcc", "a.cc", ("-include", "a.cc", "-include", "b.cc", "-c", "{main}")),
        ("gcc", "a.cu", ("-include", "a.cu", "-include", "b.cu", "-c", "{main}")),
        ("gcc", "a.hip", ("-include", "a.hip", "-include", "b.hip", "-c", "{main}")),
        ("clang", "a.cc", ("-include", "a.cc", "-include", "b.cc", "-c", "{main}")),
        ("apple", "a.cc", ("-include", "a.cc", "-include", "b.cc", "-c", "{main}")),
        ("msvc", "a.cc", (r"/FIC:\project\a.cc", r"/FIC:\project\b.cc", "/c", "/Tp{main}")),
        ("clang-cl", "a.c", (r"/FIC:\project\a.c", r"/FIC:\project\b.c", "/c", "/Tc{main}")),
    ],
)
def test_a_unity_build_compiles_batches(
    toolchain: str, source: str, options: tuple[str, ...]
) -> None:
    sources = (source, source.replace("a", "b", 1))
    made = plan(toolchain, sources, unity_build=True)
    (library,) = made.libraries
    ((main, _),) = library.support_files.items()
    compile_step, _ = library.steps
    assert compile_step.inputs == sources
    assert main in made.support_files
    wanted = [word.format(main=main) for word in options]
    words = list(compile_step.command)
    start = words.index(wanted[0])
    assert words[start : start + len(wanted)] == wanted
    (small,) = plan(toolchain, sources, unity_build=True, unity_batch_size=1).libraries
    assert [step.inputs for step in small.steps[:-1]] == [(name,) for name in sources]


@asserts("precompile_headers")
@pytest.mark.parametrize(
    ("toolchain", "made", "makes", "uses"),
    [
        (
            "gcc",
            "{h}.gch",
            ("-MQ", "{h}.gch", "-MF", "{h}.d", "-x", "c++-header", "{h}", "-o", "{h}.gch"),
            ("c++", "-include", "{h}", "-Winvalid-pch", "-std=c++17"),
        ),
        *(
            (
                name,
                "{h}.pch",
                (
                    *("-MQ", "{h}.pch", "-MF", "{h}.d", "-Xclang", "-fno-pch-timestamp"),
                    *("-x", "c++-header", "{h}", "-o", "{h}.pch"),
                ),
                ("c++", "-include", "{h}", "-std=c++17"),
            )
            for name in ("clang", "apple")
        ),
        (
            "msvc",
            "{h}.pch",
            (
                *("/sourceDependencies", "{h}.d", "/Yc{abs}", "/Fp{h}.pch", "/FI{abs}"),
                *("/c", "/Tp{s}", "/Fo{h}.obj"),
            ),
            ("/Yu{abs}", "/Fp{h}.pch", "/FI{abs}", "/c", "/Tpa.cc"),
        ),
        (
            "clang-cl",
            "{h}.pch",
            (
                *("/clang:-MF{h}.d", "-Xclang", "-fno-pch-timestamp"),
                *("/Yc{abs}", "/Fp{h}.pch", "/FI{abs}", "/c", "/Tp{s}", "/Fo{h}.obj"),
            ),
            ("/Yu{abs}", "/Fp{h}.pch", "/FI{abs}", "/c", "/Tpa.cc"),
        ),
    ],
)
def test_headers_are_precompiled_for_the_cxx_sources(
    toolchain: str, made: str, makes: tuple[str, ...], uses: tuple[str, ...]
) -> None:
    headers = ("<tvm/ffi/tvm_ffi.h>", "csrc/all.h")
    built = plan(toolchain, ("a.cc", "b.c"), precompile_headers=headers)
    precompile, cxx, c, link = built.libraries[0].steps
    folder = "build/pkg.ops/precompiled"
    absolute = "C:\\project\\" + f"{folder}/cxx.h".replace("/", "\\")
    texts = {"h": f"{folder}/cxx.h", "s": f"{folder}/cxx.cc", "abs": absolute}

    def contains(step: Step, words: tuple[str, ...]) -> bool:
        wanted = [word.format(**texts) for word in words]
        command = list(step.command)
        return any(command[n : n + len(wanted)] == wanted for n in range(len(command)))

    assert contains(precompile, makes), precompile.command
    assert contains(cxx, uses), cxx.command
    assert (precompile.kind, precompile.output) == ("precompile", made.format(**texts))
    assert precompile.description == "precompile <tvm/ffi/tvm_ffi.h> and 1 more"
    assert (cxx.precompiled, c.precompiled) == (precompile.output, "")
    assert not any("precompiled" in word for word in c.command)
    assert ("-ffile-prefix-map=/project/=" in cxx.command) == (toolchain in GNU)
    # Microsoft's compiler writes an object that must be linked.
    assert link.inputs == (*precompile.extra_outputs, cxx.output, c.output)
    root = r"C:\project" if toolchain in MICROSOFT else "/project"
    text = built.support_files[f"{folder}/cxx.h"]
    assert text.splitlines()[0] == "#include <tvm/ffi/tvm_ffi.h>"
    assert text.splitlines()[1] == f'#include "{root}/csrc/all.h"'
    assert built.support_files[f"{folder}/plain/cxx.h"] == text
    assert (f"{folder}/cxx.cc" in built.support_files) == (toolchain in MICROSOFT)


def test_a_library_without_cxx_sources_precompiles_for_c() -> None:
    (library,) = plan(sources=("a.c", "b.cu"), precompile_headers=("<x.h>",)).libraries
    precompile, c, cuda, _ = library.steps
    assert precompile.command[-4:-2] == ("c-header", "build/pkg.ops/precompiled/c.h")
    assert (c.precompiled, cuda.precompiled) == (precompile.output, "")


@pytest.mark.parametrize("source", ["a.cu", "a.hip"])
def test_headers_for_device_compilers_alone_are_refused_by_key(source: str) -> None:
    with pytest.raises(ConfigurationError, match=r"precompile_headers: .*no C or C\+\+ source"):
        plan(sources=(source,), precompile_headers=("<x.h>",))


def test_sources_with_flags_of_their_own_and_editors_include_the_header_itself() -> None:
    options = (SourceOptions(("a.cc",), define_macros=(("A", None),)),)
    (library,) = plan(
        sources=("a.cc", "b.cc"), source_options=options, precompile_headers=("<x.h>",)
    ).libraries
    plain = ("-include", "build/pkg.ops/precompiled/plain/cxx.h")
    _, a, b, _ = library.steps
    assert a.command[1:3] == plain
    assert (a.precompiled, bool(b.precompiled)) == ("", True)
    assert [unit.command[1:3] for unit in library.units] == [plain, plain]
    assert [unit.precompiled for unit in library.units] == ["", ""]


def test_a_build_for_two_architectures_includes_the_header_itself() -> None:
    arguments = LanguageArguments(cxx=("-arch", "arm64", "-arch", "x86_64"))
    (library,) = plan(
        "apple", extra_compile_args=arguments, precompile_headers=("<x.h>",)
    ).libraries
    compile_step, _ = library.steps
    assert compile_step.command[1:3] == ("-include", "build/pkg.ops/precompiled/plain/cxx.h")


@pytest.mark.parametrize("toolchain", GNU)
def test_in_a_unity_build_file_names_are_those_of_other_builds(toolchain: str) -> None:
    (library,) = plan(toolchain, ("a.cc", "b.cc"), unity_build=True).libraries
    assert "-ffile-prefix-map=./=" in library.steps[0].command
    (library,) = plan(toolchain, ("a.cc", "b.cc"), unity_build=True, prefix_map=False).libraries
    assert "-ffile-prefix-map=./=" not in library.steps[0].command


@asserts("registry_prefix")
@pytest.mark.parametrize(
    ("declared", "prefix"), [(None, "pkg."), ("pkg.kernels", "pkg.kernels."), ("other.", "other.")]
)
def test_stubs_are_generated_for_the_prefix(declared: str | None, prefix: str) -> None:
    settings = ExtensionSettings(name="pkg.ops", sources=("a.cc",), registry_prefix=declared)
    assert settings.prefix == prefix


@asserts("jobs")
def test_the_declared_number_of_jobs_is_used() -> None:
    project = Project(ProjectSettings(jobs=3), {"jobs": "SETUPTOOLS_TVM_FFI_JOBS"})
    resources = Resources(processors=64, free_memory=2**40)
    jobs = count_jobs(
        *(project.settings.jobs, project.place("jobs"), resources),
        device_compilers=False,
    )
    assert (jobs.total, jobs.local) == (3, 3)
    assert "SETUPTOOLS_TVM_FFI_JOBS" in jobs.explanation


@asserts("abi_floor")
@pytest.mark.parametrize(
    ("declared", "requirement"),
    [(None, ">=0.1.15,<0.2"), ("0.1.9", ">=0.1.9,!=0.1.13,!=0.1.13.post0,<0.2")],
)
def test_the_floor_is_the_minimum_requirement_of_the_wheel(
    declared: str | None, requirement: str
) -> None:
    project = Project(ProjectSettings(abi_floor=declared))
    floor = abi_floor(project, Version("0.1.15"))
    assert requirement_for(floor) == f"apache-tvm-ffi{requirement}"


@asserts("build_dir")
def test_builds_write_below_the_build_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("SETUPTOOLS_TVM_FFI_BUILD_DIR", "../elsewhere")
    extensions = [TVMFFIExtension("pkg.ops", ["a.cc"])]
    made = Distribution({"name": "p", "version": "1", "ext_modules": extensions})
    attach(made)
    build: Any = made.get_command_obj("build")
    build.ensure_finalized()
    assert build.build_base == "../elsewhere"
    assert Path(build.build_lib).parts[:2] == ("..", "elsewhere")


@asserts("compiler_launcher")
@pytest.mark.parametrize("language", ["c", "cxx"])
def test_a_launcher_starts_the_compilers_and_not_the_link(language: str) -> None:
    compiler = Compiler(("c++",), "gcc", "1", launcher=("ccache", "-q"))
    tools = GnuToolchain({"c": compiler, "cxx": compiler}, "linux", "/project", NO_FLAGS)
    made = commands(tools, ExtensionSettings(name="pkg.ops", sources=("a.cc",)))
    assert made[language][:3] == ("ccache", "-q", "c++")
    assert "ccache" not in made["link"]


def test_a_command_in_a_plan_contains_its_arguments_unquoted() -> None:
    (made,) = plan(define_macros=(("A", "it's"),)).libraries
    assert "-DA=it's" in made.steps[0].command


# --- completeness -------------------------------------------------------------------------------

#: Settings that are asserted by tests of their own, in these files.
ASSERTED_IN: dict[type, dict[str, str]] = {
    ExtensionSettings: {
        "pkg_config": "test_building_pkg_config.py",
        "stubs": "../test_stubs.py",
        "stubs_target": "../test_typed_stubs.py",
        "stubs_crate": "../test_typed_stubs.py",
        "stub_imports": "../test_typed_stubs.py",
        "call_signatures": "../test_call_signatures.py",
    },
    ProjectSettings: {
        "cuda_architectures": "test_building_libraries.py",
        "hip_architectures": "test_building_libraries.py",
        "platform_tag": "../test_platform_tag.py",
        "editable_rebuild": "../test_rebuild_on_import.py",
        "stubs": "../test_stubs_command.py",
        "py_typed": "../test_stubs_command.py",
        "sbom": "../test_sbom.py",
        "target": "test_cross_targets.py",
    },
    Override: {
        "if_": "test_settings_overrides.py",
        "cuda": "test_settings_overrides.py",
    },
    SourceOptions: {
        "sources": "test_project_sources.py",
        "unity": "test_building_plan.py",
    },
    VendoredSettings: {
        "name": "../test_sbom.py",
        "version": "../test_sbom.py",
        "license": "../test_sbom.py",
        "purl": "../test_sbom.py",
        "path": "../test_sbom.py",
    },
    EmbedSettings: dict.fromkeys(
        ("name", "source", "format", "file", "cuda_architectures"), "test_building_plan.py"
    ),
    GenerateSettings: dict.fromkeys(
        ("command", "inputs", "outputs"), "test_building_generate_commands.py"
    ),
}


@pytest.mark.parametrize("table", list(ASSERTED_IN))
def test_every_setting_has_a_test(table: type) -> None:
    of_commands = {
        ExtensionSettings: EXTENSION_CASES,
        ProjectSettings: PROJECT_CASES,
        SourceOptions: EXTENSION_CASES,
    }
    asserted = {*of_commands.get(table, ()), *ASSERTED_BY, *ASSERTED_IN[table]}
    assert [s.field for s in settings_of(table) if s.field not in asserted] == []


@pytest.mark.parametrize(
    ("name", "file"), [item for every in ASSERTED_IN.values() for item in every.items()]
)
def test_each_setting_occurs_in_the_test_files_listed_for_it(name: str, file: str) -> None:
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    assert name in text or name.replace("_", "-") in text
