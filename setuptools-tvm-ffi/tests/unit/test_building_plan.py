# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
from pathlib import PurePosixPath
from typing import Any

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.binaries.local_symbols import version_script
from setuptools_tvm_ffi.building import ninja_file
from setuptools_tvm_ffi.building.freshness import Stale
from setuptools_tvm_ffi.building.plan import BuildPlan, LibraryPlan, Step, make_plan
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.project.sources import Generated
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.settings.model import EmbedSettings, SourceOptions
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags, LinkUnit, Toolchain
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain
from setuptools_tvm_ffi.toolchains.input_symbols import InputSymbols
from setuptools_tvm_ffi.toolchains.msvc import MsvcToolchain
from setuptools_tvm_ffi.toolchains.nvcc import NvccCompiler

SDK = TVMFFISdk(Version("0.1.15"), ("build/sdk/include",), "build/sdk/lib", "libtvm_ffi.so")
GNU = GnuToolchain(
    {"cxx": Compiler(("g++",), "gcc", "g++ 12.2.0"), "c": Compiler(("gcc",), "gcc", "gcc 12.2.0")},
    "linux",
    "/project",
    EnvironmentFlags(),
)
FOLDER = PurePosixPath("build/tvm-ffi.linux")


def plan(
    *extensions: tuple[str, list[str]], toolchain: Toolchain = GNU, **settings: Any
) -> BuildPlan:
    return make_plan(
        [
            (
                ExtensionSettings(name=name, sources=tuple(files), **settings),
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
    assert [step.command[0] for step in library.steps] == ["g++", "gcc", "g++"]


def test_the_toolchain_supplies_the_compile_command() -> None:
    (library,) = plan(("pkg.ops", ["a.cpp"])).libraries
    obj = "build/tvm-ffi.linux/pkg.ops/objects/a.cpp.o"
    flags = GNU.compile_flags(library.settings, SDK, "cxx")
    assert library.steps[0].command == (
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
    )
    assert (library.steps[0].depfile, library.steps[0].dependency_style) == (f"{obj}.d", "gcc")


def test_a_library_of_c_alone_is_linked_by_the_c_compiler() -> None:
    toolchain = GnuToolchain({"c": GNU.compilers["c"]}, "linux", "/project", EnvironmentFlags())
    (library,) = plan(("pkg.ops", ["a.c", "b.c"]), toolchain=toolchain).libraries
    assert [step.command[0] for step in library.steps] == ["gcc", "gcc", "gcc"]


def test_languages_of_one_library_do_not_affect_another() -> None:
    c, cxx = plan(("pkg.c", ["a.c"]), ("pkg.cxx", ["a.c", "b.cpp"])).libraries
    assert c.steps[-1].command[0] == "gcc"
    assert cxx.steps[-1].command[0] == "g++"


def test_the_link_reads_its_objects_from_a_response_file() -> None:
    (library,) = plan(("pkg.ops", ["a.cpp", "b c.cpp"])).libraries
    link = library.steps[-1]
    assert link.response_file == "build/tvm-ffi.linux/pkg.ops/libops.so.rsp"
    assert f"@{link.response_file}" in link.command
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


def test_every_object_depends_on_its_compiler_and_on_declared_files() -> None:
    made = plan(("pkg.ops", ["a.cpp", "b.c"]), depends=("table.inc", "gen/x.h"))
    steps = made.libraries[0].steps
    assert [step.extra_inputs for step in steps[:-1]] == [("table.inc", "gen/x.h")] * 2
    assert [step.version for step in steps] == ["g++ 12.2.0", "gcc 12.2.0", "g++ 12.2.0"]


NVCC = NvccCompiler(
    *(Compiler(("nvcc",), "nvcc", "13.0"), "13.0", Compiler(("g++-11",), "gcc", "g++ 11")),
    known_architectures=("8.0", "9.0"),
    library_dirs=(),
    system="linux",
    root="/project",
    environment=EnvironmentFlags(),
    include_dirs=("/cuda/include",),
)
WITH_CUDA = dataclasses.replace(
    GNU,
    compilers={**GNU.compilers, "cuda": NVCC.compiler, "cuda-host": NVCC.host},
    devices={"cuda": NVCC},
)


def test_a_device_object_depends_on_the_host_compiler() -> None:
    (library,) = plan(("pkg.ops", ["a.cu"]), toolchain=WITH_CUDA).libraries
    assert {"13.0", "g++ 12.2.0", "g++ 11"} < set(library.steps[0].version.splitlines())


def test_the_sources_beside_a_cuda_source_use_the_toolkit() -> None:
    mixed, alone = plan(
        *(("pkg.mixed", ["a.cu", "b.cpp"]), ("pkg.alone", ["b.cpp"])), toolchain=WITH_CUDA
    ).libraries
    assert "/cuda/include" in mixed.steps[1].command
    assert "-lcudart_static" in mixed.steps[-1].command
    assert "/cuda/include" not in alone.steps[0].command
    assert "-lcudart_static" not in alone.steps[-1].command


def test_each_library_links_its_own_device_code() -> None:
    made = plan(
        *(("pkg.one", ["a.cu", "b.cu", "c.cpp"]), ("pkg.two", ["d.cu"])),
        toolchain=WITH_CUDA,
        cuda_separable_compilation=True,
        extra_objects=("prebuilt.o",),
    )
    for library, sources in zip(made.libraries, (["a.cu", "b.cu"], ["d.cu"])):
        *compiled, device, link = library.steps
        objects = [s.output for s in compiled if s.inputs[0] in sources]
        assert (device.kind, list(device.inputs)) == ("device-link", objects)
        assert device.extra_inputs == ("prebuilt.o",)
        assert device.output in link.inputs
        assert library.settings.name in device.output
    (plain,) = plan(("pkg.ops", ["a.cu"]), toolchain=WITH_CUDA).libraries
    assert [step.kind for step in plain.steps] == ["compile", "link"]


def test_the_parts_of_a_command_are_kept_apart() -> None:
    zig = Compiler(("zig", "cc"), "clang", "20.1", launcher=("ccache", "-q"))
    toolchain = dataclasses.replace(GNU, compilers={"c": zig})
    compile_, link = plan(("pkg.ops", ["a.c"]), toolchain=toolchain).libraries[0].steps
    assert (compile_.launcher, compile_.program) == (("ccache", "-q"), ("zig", "cc"))
    assert compile_.command == ("ccache", "-q", "zig", "cc", *compile_.arguments)
    assert (link.launcher, link.program) == ((), ("zig", "cc"))
    assert link.command == ("zig", "cc", *link.arguments)


def test_compilers_are_queried_for_their_search_folders() -> None:
    (library,) = plan(("pkg.ops", ["a.cpp", "b.c"])).libraries
    cxx, c, link = (step.question for step in library.steps)
    assert (cxx[0], c[0], link[0]) == ("g++", "gcc", "g++")
    assert set(library.arguments["cxx"]) < set(cxx)
    assert {"-E", "-v", "c++"} < set(cxx)
    assert {"-E", "-v", "c"} < set(c)
    assert "-print-search-dirs" in link
    windows = plan(("pkg.ops", ["a.cpp"]), toolchain=WINDOWS).libraries[0]
    assert [step.question for step in windows.steps] == [(), ()]


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
        "link": GNU.link_flags(
            mixed.settings,
            SDK,
            LinkUnit((), frozenset({"c", "cxx"}), mixed.library, ""),
            str(FOLDER),
        ),
    }
    (c_only,) = plan(("pkg.ops", ["b.c"])).libraries
    assert set(c_only.arguments) == {"c", "link"}


def test_the_same_declaration_gives_the_same_plan() -> None:
    declared = ("pkg.ops", ["a.cpp", "b.c"])
    assert plan(declared) == plan(declared)


# --- libraries that link each other -------------------------------------------------------------

DARWIN = GnuToolchain(
    {"cxx": Compiler(("c++",), "clang", "Apple clang 15")},
    "darwin",
    "/project",
    EnvironmentFlags(),
)
WINDOWS = MsvcToolchain(
    {"cxx": Compiler(("cl.exe",), "msvc", "14.40")}, "link.exe", EnvironmentFlags()
)


def plan_of(*extensions: ExtensionSettings, toolchain: Toolchain = GNU) -> BuildPlan:
    declared = [(settings, [PurePosixPath(f"{settings.target}.cc")]) for settings in extensions]
    return make_plan(declared, toolchain, SDK, FOLDER)


def extension(name: str, *libraries: str, **settings: Any) -> ExtensionSettings:
    sources = (f"{name.rpartition('.')[2]}.cc",)
    return ExtensionSettings(name=name, sources=sources, libraries=libraries, **settings)


def link(plan: BuildPlan, target: str) -> Step:
    (library,) = (made for made in plan.libraries if made.settings.target == target)
    (step,) = (step for step in library.steps if step.kind == "link")
    return step


def test_a_sibling_is_built_before_its_dependents_in_any_declared_order() -> None:
    app, base = extension("pkg.app", "m", "base"), extension("pkg.base")
    library = f"{FOLDER}/pkg.base/libbase.so"
    for order in ((app, base), (base, app)):
        made = plan_of(*order)
        assert library in link(made, "app").extra_inputs
        assert f"{FOLDER}/pkg.app/libapp.so" not in link(made, "base").extra_inputs
        words = link(made, "app").command
        at = words.index("-lm")
        assert words[at : at + 3] == ("-lm", library, "-Wl,-rpath,$ORIGIN")
        assert "-lbase" not in words


def test_the_ninja_file_makes_a_library_depend_on_its_sibling() -> None:
    made = plan_of(extension("pkg.app", "base"), extension("pkg.base"))
    stale = [Stale(step) for library in made.libraries for step in library.steps]
    text = ninja_file.render(made, stale)
    (line,) = (line for line in text.splitlines() if line.startswith(f"build {FOLDER}/pkg.app/lib"))
    assert line.split()[-1] == f"{FOLDER}/pkg.base/libbase.so"


@pytest.mark.parametrize(
    ("app", "base", "run_paths"),
    [
        ("pkg.app", "pkg.base", ["$ORIGIN"]),
        ("pkg.app", "pkg.sub.base", ["$ORIGIN", "$ORIGIN/sub"]),
        ("pkg.sub.app", "pkg.base", ["$ORIGIN", "$ORIGIN/.."]),
        ("pkg.a.app", "pkg.b.c.base", ["$ORIGIN", "$ORIGIN/../b/c"]),
        ("one.app", "two.base", ["$ORIGIN", "$ORIGIN/../two"]),
    ],
)
def test_a_sibling_is_found_from_the_folder_of_its_package(
    app: str, base: str, run_paths: list[str]
) -> None:
    for toolchain in (GNU, DARWIN):
        made = plan_of(extension(app, "base"), extension(base), toolchain=toolchain)
        words = link(made, "app").command
        found = [word.removeprefix("-Wl,-rpath,") for word in words if "-rpath," in word]
        wanted = run_paths
        if toolchain is DARWIN:
            wanted = [path.replace("$ORIGIN", "@loader_path") for path in run_paths]
        assert found == wanted


def test_on_windows_a_sibling_is_linked_by_its_import_library() -> None:
    made = plan_of(extension("pkg.app", "base"), extension("pkg.base"), toolchain=WINDOWS)
    step = link(made, "app")
    assert f"{FOLDER}/pkg.base/base.lib" in step.command
    assert "base.dll" not in " ".join(step.command)
    assert f"{FOLDER}/pkg.base/base.dll" in step.extra_inputs
    assert f"/IMPLIB:{FOLDER}/pkg.base/base.lib" in link(made, "base").command


def test_a_library_name_that_is_not_a_sibling_is_passed_to_the_linker() -> None:
    made = plan_of(extension("pkg.app", "zbase", "base2", "libbase"), extension("pkg.base"))
    words = link(made, "app").command
    assert {"-lzbase", "-lbase2", "-llibbase"} < set(words)
    assert not [word for word in words if "rpath," in word or "pkg.base" in word]
    assert all(library.siblings == () for library in made.libraries)


def test_indirect_siblings_precede_direct_siblings() -> None:
    made = plan_of(
        extension("p.top", "left", "right"),
        extension("p.left", "base"),
        extension("p.right", "base"),
        extension("p.base"),
    )
    found = {library.settings.target: library.siblings for library in made.libraries}
    names = {target: [PurePosixPath(path).stem for path in found[target]] for target in found}
    assert names == {
        "top": ["libbase", "libleft", "libright"],
        "left": ["libbase"],
        "right": ["libbase"],
        "base": [],
    }
    # The link command contains only the named siblings. They load the other siblings.
    assert not any("libbase" in path for path in link(made, "top").extra_inputs)


# --- what is shipped beside a library -----------------------------------------------------------


def test_on_macos_a_separate_step_collects_debug_symbols() -> None:
    made = plan_of(extension("pkg.ops", debug_symbols=True), toolchain=DARWIN)
    (library,) = made.libraries
    bundle = f"{FOLDER}/pkg.ops/libops.dylib.dSYM"
    files = (
        f"{bundle}/Contents/Info.plist",
        f"{bundle}/Contents/Resources/DWARF/libops.dylib",
    )
    step = library.steps[-1]
    assert step.kind == "debug-symbols"
    assert step.inputs == (f"{FOLDER}/pkg.ops/libops.dylib",)
    assert (step.output, *step.extra_outputs) == files
    assert step.command == (
        "dsymutil",
        f"{FOLDER}/pkg.ops/libops.dylib",
        "-o",
        bundle,
    )
    assert library.companions == files
    assert link(made, "ops").extra_outputs == ()


def test_on_windows_the_link_makes_the_debug_symbols() -> None:
    made = plan_of(extension("pkg.ops", debug_symbols=True), toolchain=WINDOWS)
    (library,) = made.libraries
    assert [step.kind for step in library.steps] == ["compile", "link"]
    assert library.companions == (f"{FOLDER}/pkg.ops/ops.pdb",)
    assert link(made, "ops").extra_outputs == library.companions


@pytest.mark.parametrize("toolchain", [GNU, DARWIN, WINDOWS], ids=["gnu", "darwin", "windows"])
def test_without_debug_symbols_no_companion_file_is_shipped(toolchain: Toolchain) -> None:
    (library,) = plan_of(extension("pkg.ops"), toolchain=toolchain).libraries
    assert library.companions == ()
    assert [step.extra_outputs for step in library.steps] == [(), ()]


def test_on_linux_debug_symbols_are_in_the_library() -> None:
    (library,) = plan_of(extension("pkg.ops", debug_symbols=True)).libraries
    assert library.companions == ()
    assert "-g" in library.arguments["cxx"]


def test_a_plan_for_windows_uses_windows_file_names() -> None:
    # Microsoft's tools cannot run here, so check only the plan.
    cl = Compiler(("cl.exe",), "msvc", "14.40")
    toolchain = MsvcToolchain({"cxx": cl}, "link.exe", EnvironmentFlags())
    made = plan(("pkg.ops", ["src/a.cpp"]), toolchain=toolchain)
    assert [step.dependency_style for step in made.libraries[0].steps] == ["msvc", None]
    assert [step.output for step in made.libraries[0].steps] == [
        "build/tvm-ffi.linux/pkg.ops/objects/src/a.cpp.obj",
        "build/tvm-ffi.linux/pkg.ops/ops.dll",
    ]
    assert made.support_files == {}
    assert made.libraries[0].steps[-1].program == ("link.exe",)


def test_only_the_symbol_list_of_a_library_is_an_input_of_its_link() -> None:
    inputs = {"pkg.ops": InputSymbols(hidden=("helper",))}
    toolchain = dataclasses.replace(GNU, inputs=inputs)
    made = plan(("pkg.ops", ["a.cpp"]), ("pkg.more", ["b.cpp"]), toolchain=toolchain)
    ops, more = (
        {name for name in library.steps[-1].extra_inputs if name.endswith(".map")}
        for library in made.libraries
    )
    assert more == {f"{FOLDER}/local-symbols.map"}
    assert ops == set(made.support_files) - more


def test_a_unity_build_compiles_sources_with_options_of_their_own_alone() -> None:
    names = ("a.cc", "b.cc", "c.cc", "d.cc", "e.c")
    options = (
        SourceOptions(("a.cc",), unity=False),
        SourceOptions(("b.cc",), define_macros=(("B", None),)),
    )
    settings = ExtensionSettings(
        "pkg.ops", names, source_options=options, unity_build=True, unity_batch_size=8
    )
    files = list(map(PurePosixPath, names))
    (library,) = make_plan([(settings, files)], GNU, SDK, FOLDER).libraries
    compiled = [step.inputs for step in library.steps[:-1]]
    assert compiled == [("a.cc",), ("b.cc",), ("e.c",), ("c.cc", "d.cc")]
    assert library.steps[-2].description == "compile c.cc and 1 more"
    assert library.steps[-1].inputs == tuple(step.output for step in library.steps[:-1])
    # Editors get the command that compiles a source alone.
    alone = dataclasses.replace(settings, unity_build=False)
    (plain,) = make_plan([(alone, files)], GNU, SDK, FOLDER).libraries
    assert [unit.output for unit in library.units] == [step.output for step in plain.steps[:-1]]


# --- embedded files, generated sources and prebuilt objects -------------------------------------


def embedding(
    *entries: EmbedSettings,
    architectures: tuple[str, ...] = ("9.0",),
    source: str = "a.cpp",
    separable: bool = False,
    options: tuple[SourceOptions, ...] = (),
) -> LibraryPlan:
    settings = ExtensionSettings(
        *("pkg.ops", (source,)),
        embed=entries,
        source_options=options,
        cuda_architectures=architectures,
        cuda_separable_compilation=separable,
    )
    nvcc = NvccCompiler(
        *(Compiler(("nvcc",), "nvcc", "13.0"), "13.0", GNU.compilers["cxx"]),
        known_architectures=("9.0", "10.0"),
        library_dirs=(),
        system="linux",
        root="/project",
        environment=EnvironmentFlags(),
    )
    compilers = {**GNU.compilers, "asm": GNU.compilers["c"], "cuda": nvcc.compiler}
    toolchain = dataclasses.replace(GNU, compilers=compilers, devices={"cuda": nvcc})
    made = make_plan([(settings, [PurePosixPath(source)])], toolchain, SDK, FOLDER)
    texts = [name for name in made.support_files if name.endswith(".S")]
    (library,) = made.libraries
    assert texts == [step.inputs[0] for step in library.steps if step.inputs[0].endswith(".S")]
    return library


def test_a_source_to_embed_is_compiled_then_embedded_then_linked() -> None:
    library = embedding(
        EmbedSettings("env", source="k.cu"), EmbedSettings("one", source="k.cu", format="cubin")
    )
    folder = f"{FOLDER}/pkg.ops/embed"
    assert [(step.inputs, step.extra_inputs, step.output) for step in library.steps[1:5]] == [
        (("k.cu",), (), f"{folder}/env.fatbin"),
        ((f"{folder}/env.S",), (f"{folder}/env.fatbin",), f"{folder}/env.o"),
        (("k.cu",), (), f"{folder}/one.cubin"),
        ((f"{folder}/one.S",), (f"{folder}/one.cubin",), f"{folder}/one.o"),
    ]
    assert "--fatbin" in library.steps[1].command
    assert "--cubin" in library.steps[3].command
    assert library.steps[-1].inputs[1:] == (f"{folder}/env.o", f"{folder}/one.o")
    assert "-lcudart_static" in library.steps[-1].command
    assert library.units[1:] == (library.steps[1], library.steps[3])


def test_a_file_is_embedded_without_nvcc() -> None:
    library = embedding(EmbedSettings("aot", file="a.cubin"), architectures=())
    compile_, embed, link = library.steps
    assert embed.extra_inputs == ("a.cubin",)
    assert "nvcc" not in {step.program[0] for step in (compile_, embed, link)}
    assert "-lcudart_static" not in link.command
    assert [unit.inputs for unit in library.units] == [("a.cpp",)]


def test_an_embedded_source_is_complete_without_the_device_link() -> None:
    library = embedding(EmbedSettings("env", source="k.cu"), source="a.cu", separable=True)
    compile_, device_link, embedded, *_ = library.steps
    assert [device_link.kind, embedded.inputs] == ["device-link", ("k.cu",)]
    assert ["-rdc=true" in step.command for step in (compile_, embedded)] == [True, False]


def test_an_embedded_source_can_have_its_own_architectures() -> None:
    entry = EmbedSettings("env", source="k.cu", format="cubin", cuda_architectures=("10.0",))
    library = embedding(entry, source="a.cu", architectures=("9.0", "10.0+PTX"))
    compile_, embedded, *_ = library.steps
    targets = [[w for w in s.command if "-gencode" in w] for s in (compile_, embedded)]
    assert len(targets[0]) == 3
    assert targets[1] == ["-gencode=arch=compute_100,code=sm_100"]


def test_an_embedded_source_can_have_its_own_options() -> None:
    entry = EmbedSettings("env", source="./kernels/k.cu")
    options = SourceOptions(("kernels/*.cu",), define_macros=(("FAST", None),))
    compile_, embedded, *_ = embedding(entry, source="a.cu", options=(options,)).steps
    assert ["-DFAST" in step.command for step in (compile_, embedded)] == [False, True]


@pytest.mark.parametrize("word", ["all", "Hopper", "all-major"])
def test_a_cubin_for_a_word_that_means_several_architectures_is_refused(word: str) -> None:
    entry = EmbedSettings("env", source="k.cu", format="cubin")
    with pytest.raises(ConfigurationError, match=rf"format: .*one architecture.*{word}"):
        embedding(entry, architectures=(word,))


def test_a_cubin_for_two_architectures_is_refused() -> None:
    entry = EmbedSettings("env", source="k.cu", format="cubin")
    with pytest.raises(ConfigurationError, match=r"format: .*one architecture"):
        embedding(entry, architectures=("9.0", "10.0"))


def test_objects_of_generated_sources_have_a_folder_of_their_own() -> None:
    sources = [f"{FOLDER}/generated/x/a.cpp", "generated/x/a.cpp"]
    (library,) = plan(("pkg.ops", sources)).libraries
    assert [step.output for step in library.steps[:-1]] == [
        f"{FOLDER}/pkg.ops/generated/x/a.cpp.o",
        f"{FOLDER}/pkg.ops/objects/generated/x/a.cpp.o",
    ]


def test_flags_of_a_generated_source_are_recorded_under_its_name_in_settings() -> None:
    generated = Generated({"made.cc"}, FOLDER / "generated")
    options = SourceOptions(sources=("made.cc",), cxx_std="20")
    settings = ExtensionSettings("pkg.ops", ("made.cc",), source_options=(options,))
    sources = [FOLDER / "generated/made.cc"]
    (library,) = make_plan([(settings, sources)], GNU, SDK, FOLDER, generated).libraries
    assert list(library.source_arguments) == ["made.cc"]
    assert "-std=c++20" in library.steps[0].command


@pytest.mark.parametrize(("needs_cxx", "driver"), [(False, "gcc"), (True, "g++")])
def test_prebuilt_objects_are_linked_as_cxx_if_they_need_its_runtime(
    *, needs_cxx: bool, driver: str
) -> None:
    inputs = {"pkg.ops": InputSymbols(needs_cxx=needs_cxx)}
    toolchain = dataclasses.replace(GNU, inputs=inputs)
    settings = ExtensionSettings("pkg.ops", extra_objects=("a.o",))
    (library,) = make_plan([(settings, [])], toolchain, SDK, FOLDER).libraries
    (link,) = library.steps
    assert link.command[0] == driver
    assert "a.o" in link.command
