# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.project.sdist_files import (
    check_inside,
    find_generation_files,
    find_sdist_files,
)
from setuptools_tvm_ffi.project.sources import Generated
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.settings.declaration import Declaration
from setuptools_tvm_ffi.settings.languages import LanguageArguments
from setuptools_tvm_ffi.settings.model import EmbedSettings, GenerateSettings


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    root = tmp_path / "project"
    root.mkdir()
    return root


def make(root: Path, name: str, content: str = "") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def find(root: Path, source: str = "csrc/a.cc", **settings: Any) -> set[str]:
    extension = ExtensionSettings(name="pkg.lib", sources=(source,), **settings)
    found = find_sdist_files(extension, [PurePosixPath(source)], root, build_base=root / "build")
    return set(map(str, found))


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "-C", root, *identity, *arguments], check=True, capture_output=True)


def repository(root: Path, ignored: str) -> None:
    make(root, "pyproject.toml")
    make(root, ".gitignore", ignored)
    git(root, "init")


def test_everything_below_the_folders_of_the_sources_is_found(root: Path) -> None:
    names = {"csrc/a.cc", "csrc/table.def", "csrc/deep/impl.tcc", "csrc/deep/suffixless"}
    for name in (*names, "other/b.h", "csrc/.hidden/c.h", "csrc/old.o", "csrc/__pycache__/d.h"):
        make(root, name)
    assert find(root) == names


def test_everything_below_the_include_folders_is_found(root: Path) -> None:
    names = {"csrc/a.cc", "include/deep/b", "arguments/c.h", "system/e.h", "windows/f.h"}
    for name in (*names, "include/libz.so", "other/d.h"):
        make(root, name)
    found = find(
        root,
        include_dirs=("include",),
        system_include_dirs=("system",),
        extra_compile_args=LanguageArguments(cxx=("-isystem", "arguments", "/external:Iwindows")),
    )
    assert found == names


def test_build_folders_and_environments_are_skipped(root: Path) -> None:
    for name in (
        *("a.cc", "build/x.h", "dist/x.h", "env/pyvenv.cfg", "env/x.h", "p.egg-info/x.h"),
        *("out/CMakeCache.txt", "out/x.h", "lib/build/x.h", "lib/dist/x.h"),
    ):
        make(root, name)
    assert find(root, "a.cc") == {"a.cc", "lib/build/x.h", "lib/dist/x.h"}


def test_headers_that_sources_include_are_found_recursively(root: Path) -> None:
    make(root, "csrc/ops/a.cc", '#include "../b.h"\n#include <lib/c.h>\n')
    make(root, "csrc/b.h", '#  include "one/d.cc"\n#define TABLE "e.inc"\n#include TABLE\n')
    make(root, "csrc/one/d.cc", 'asm(".incbin \\"data/f.bin\\"");\n')
    for name in ("csrc/e.inc", "data/f.bin", "include/lib/c.h", "csrc/unused.h"):
        make(root, name)
    found = find(root, "csrc/ops/a.cc", include_dirs=("include",))
    assert found == {
        *("csrc/ops/a.cc", "csrc/b.h", "csrc/one/d.cc", "csrc/e.inc"),
        *("data/f.bin", "include/lib/c.h"),
    }


@pytest.mark.parametrize(
    "text",
    [
        '#include \\\n "../more/x"',
        '#if __has_include("../more/x")\n#endif',
        '#define DATA(file) asm(".incbin " #file)\nDATA("../more/x")',
        "#if __has_include(<../more/x>)\n#endif",
    ],
)
def test_a_file_that_a_source_may_read_is_found(root: Path, text: str) -> None:
    make(root, "csrc/a.cc", text)
    make(root, "more/x")
    make(root, "include/b.h")
    found = find(root, "csrc/a.cc", include_dirs=("include",))
    assert found == {"csrc/a.cc", "include/b.h", "more/x"}


def test_a_header_that_is_only_looked_for_may_lie_outside_the_project(root: Path) -> None:
    make(root, "csrc/a.cc", '#if __has_include("../../shared/api.h")\n#endif\n')
    make(root, "../shared/api.h")
    assert find(root) == {"csrc/a.cc"}


def test_files_that_settings_and_arguments_name_are_found(root: Path) -> None:
    make(root, "csrc/a.cc")
    make(root, "link.rsp", "-Wl,-T,layout.ld")
    names = {
        "exports.map",
        "layout.ld",
        "more.o",
        "table.txt",
        "lib/libz.a",
        "forced.h",
        "tables/a/b",
    }
    for name in (*names, "lib/libother.a"):
        make(root, name)
    found = find(
        root,
        depends=("table.txt", "tables", "/usr/include/stdio.h"),
        extra_objects=(str(root / "more.o"),),
        extra_link_args=("-Wl,--version-script=exports.map", "@link.rsp"),
        extra_compile_args=LanguageArguments(cxx=("-include", "forced.h")),
        library_dirs=("lib",),
        libraries=("z",),
    )
    assert found == {"csrc/a.cc", "link.rsp", *names}


@pytest.mark.parametrize(
    "arguments",
    [
        *(("-isystem", "third/include"), ("-idirafterthird/include",), ("@flags.rsp",)),
        *(("--include-directory=third/include",), ("-isystem=third/include",)),
    ],
)
def test_an_include_folder_in_arguments_is_found(root: Path, arguments: tuple[str, ...]) -> None:
    make(root, "csrc/a.cc", "#include <a.h>\n")
    make(root, "third/include/a.h")
    make(root, "flags.rsp", "-isystem third/include")
    found = find(root, extra_compile_args=LanguageArguments(cxx=arguments))
    assert found - {"flags.rsp"} == {"csrc/a.cc", "third/include/a.h"}


@pytest.mark.parametrize(
    ("argument", "file"),
    [
        *(("/DEF:windows/ops.def", "windows/ops.def"), ("-def:ops.def", "ops.def")),
        *(("/MANIFESTINPUT:ops.manifest", "ops.manifest"), ("-Tops.ld", "ops.ld")),
        *(("-Wl,--dynamic-list=ops.txt", "ops.txt"), ("--options-file=nvcc.txt", "nvcc.txt")),
        *(("-Wl,-exported_symbols_list,ops.exp", "ops.exp"), ("@link.rsp", "link.rsp")),
        ("-Wl,-T,layout.ld", "lib/layout.ld"),  # found in a folder of libraries
    ],
)
def test_a_file_that_an_option_of_the_linker_names_is_found(
    root: Path, argument: str, file: str
) -> None:
    make(root, "csrc/a.cc")
    make(root, file)
    make(root, "lib/unused")
    found = find(root, extra_link_args=(argument,), library_dirs=("lib",))
    assert found == {"csrc/a.cc", file}


def test_files_that_git_ignores_are_skipped_unless_they_are_included(root: Path) -> None:
    repository(root, "*.txt\n/csrc/generated/\n")
    make(root, "csrc/a.cc", '#include "generated/a.h"\n')
    for name in ("csrc/notes.txt", "csrc/generated/a.h", "csrc/generated/b.h", "csrc/new"):
        make(root, name)
    for name in ("csrc/untracked.o", "csrc/tracked.o", "csrc/.hidden/a"):
        make(root, name)
    git(root, "add", "-f", "csrc/tracked.o")
    assert find(root) == {"csrc/a.cc", "csrc/generated/a.h", "csrc/new", "csrc/tracked.o"}


def test_submodules_are_part_of_the_project(root: Path) -> None:
    repository(root, "")
    make(root, "csrc/a.cc")
    make(root, "csrc/lib/include/b")
    git(root / "csrc/lib", "init")
    git(root / "csrc/lib", "add", ".")
    git(root / "csrc/lib", "commit", "-m", "b")
    git(root, "add", ".")
    assert find(root) == {"csrc/a.cc", "csrc/lib/include/b"}
    assert "csrc/lib/include/b" in find(root, include_dirs=("csrc/lib/include",))


def test_a_project_that_a_repository_around_it_ignores_is_listed_from_disk(root: Path) -> None:
    git(root.parent, "init")
    make(root.parent, ".gitignore", "project")
    for name in ("pyproject.toml", "csrc/a.cc", "csrc/table"):
        make(root, name)
    assert find(root) == {"csrc/a.cc", "csrc/table"}


@pytest.mark.parametrize("is_repository", [False, True])
def test_links_inside_the_project_are_followed(root: Path, *, is_repository: bool) -> None:
    if is_repository:
        repository(root, "")
    make(root, "csrc/a.cc")
    make(root, "common/b.h")
    (root / "csrc/common").symlink_to("../common")
    (root / "csrc/loop").symlink_to(".")
    assert find(root) == {"csrc/a.cc", "csrc/common/b.h"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("depends", "../b.h"),
        ("extra_objects", "../b.o"),
        ("include_dirs", "../shared"),
        ("include_dirs", "linked"),
        ("system_include_dirs", "../shared"),
        ("library_dirs", "../shared"),
    ],
)
def test_settings_that_leave_the_project_are_rejected(root: Path, setting: str, value: str) -> None:
    make(root, "csrc/a.cc")
    (root.parent / "shared").mkdir()
    (root / "linked").symlink_to("../shared")
    with pytest.raises(ConfigurationError, match=f"{value!r} lies outside"):
        find(root, **{setting: (value,)})


@pytest.mark.parametrize(
    "arguments",
    [
        *(("-Wl,--version-script=../shared/b.h",), ("@../shared/b.h",), ("../shared/b.h",)),
        *(("-L../shared", "-lb"), ("-Wl,-L../shared",), ("@link.rsp",)),
    ],
)
def test_arguments_that_leave_the_project_are_rejected(root: Path, arguments: Any) -> None:
    make(root, "csrc/a.cc")
    make(root, "link.rsp", "-L../shared")
    make(root.parent, "shared/b.h")
    with pytest.raises(ConfigurationError, match=r"'\.\./shared(/b\.h)?' lies outside"):
        find(root, extra_link_args=arguments)


@pytest.mark.parametrize("words", [("-include", "../shared/b.h"), ("@flags.rsp",)])
def test_arguments_of_compilers_that_leave_the_project_are_rejected(
    root: Path, words: tuple[str, ...]
) -> None:
    make(root, "csrc/a.cc")
    make(root, "flags.rsp", "-I../shared")
    make(root.parent, "shared/b.h")
    with pytest.raises(ConfigurationError, match=r"'\.\./shared(/b\.h)?' lies outside"):
        find(root, extra_compile_args=LanguageArguments(cxx=words))


def test_data_outside_the_project_is_rejected(root: Path) -> None:
    make(root, "csrc/a.cc", 'asm(".incbin \\"../shared/b.bin\\"");\n')
    make(root.parent, "shared/b.bin")
    with pytest.raises(ConfigurationError, match=r"csrc/a\.cc: includes '../shared/b\.bin'"):
        find(root)


def test_libraries_that_arguments_name_are_found(root: Path) -> None:
    for name in ("csrc/a.cc", "lib/libz.a", "lib/libother.a"):
        make(root, name)
    assert find(root, extra_link_args=("-Llib", "-lz")) == {"csrc/a.cc", "lib/libz.a"}


def test_a_header_outside_the_project_is_rejected(root: Path) -> None:
    make(root, "csrc/a.cc", '#include "../../shared/api.h"\n')
    make(root.parent, "shared/api.h")
    with pytest.raises(ConfigurationError) as caught:
        find(root)
    assert "csrc/a.cc" in caught.value.message
    assert "'../../shared/api.h'" in caught.value.message


@pytest.mark.parametrize("file", ["../b.h", "/b.h", "linked.h", "linked/b.h"])
def test_files_outside_the_project_are_rejected(root: Path, file: str) -> None:
    make(root.parent, "shared/b.h")
    (root / "linked").symlink_to("../shared")
    (root / "linked.h").symlink_to("../shared/b.h")
    with pytest.raises(ConfigurationError, match=f"'{file}' lies outside"):
        check_inside([file], root)


def test_links_inside_the_project_can_be_packed(root: Path) -> None:
    make(root, "a.h")
    (root / "b.h").symlink_to("a.h")
    check_inside(["a.h", "b.h"], root)


def test_a_macro_with_a_long_text_is_no_file(root: Path) -> None:
    make(root, "csrc/a.cc", f'#define TEXT "{"x" * 5000}"\n#include "{"y" * 5000}"\n')
    text = f'"{"z" * 5000}"'
    found = find(root, define_macros=(("TEXT", text),))
    assert found == {"csrc/a.cc"}


def test_a_response_file_can_contain_an_apostrophe(root: Path) -> None:
    make(root, "csrc/a.cc")
    make(root, "exports.map")
    make(root, "link.rsp", "-Wl,--version-script=exports.map -Wl,-rpath,/it's")
    assert find(root, extra_link_args=("@link.rsp",)) == {"csrc/a.cc", "exports.map", "link.rsp"}


@pytest.mark.parametrize("directive", ['"../../shared/api.h"', "<../../shared/api.h>"])
def test_a_header_outside_the_project_is_rejected_in_every_include_folder(
    root: Path, directive: str
) -> None:
    make(root, "a.cc", f"#include {directive}\n")
    make(root, "include/own/b.h")
    make(root.parent, "shared/api.h")
    with pytest.raises(ConfigurationError, match=r"a\.cc: includes '\.\./\.\./shared/api\.h'"):
        find(root, "a.cc", include_dirs=("include",))


@pytest.mark.parametrize("is_repository", [False, True])
def test_links_to_the_parents_of_each_other_end(root: Path, *, is_repository: bool) -> None:
    if is_repository:
        repository(root, "")
    make(root, "csrc/a.cc")
    make(root, "first/below/b.h")
    make(root, "second/below/c.h")
    (root / "csrc/again").symlink_to("../first")
    (root / "first/below/link").symlink_to("../../second")
    (root / "second/below/link").symlink_to("../../first")
    expected = {"csrc/a.cc", "csrc/again/below/b.h", "csrc/again/below/link/below/c.h"}
    assert find(root) == expected


def test_included_files_are_told_from_the_other_files_of_a_folder(root: Path) -> None:
    make(root, "csrc/a.cc", '#include "b.h"\n#define NAME "notes"\n')
    for name in ("csrc/b.h", "csrc/notes", "table", "exports.map", "license"):
        make(root, name)
    extension = ExtensionSettings(
        name="pkg.lib",
        sources=("csrc/a.cc",),
        depends=("table",),
        extra_link_args=("-Wl,--version-script=exports.map",),
        define_macros=(("LICENSE", '"license"'),),
    )
    files = find_sdist_files(
        extension, [PurePosixPath("csrc/a.cc")], root, build_base=root / "build"
    )
    assert {str(file) for file, needed in files.items() if needed} == {
        *("csrc/a.cc", "csrc/b.h", "table", "exports.map")
    }
    assert {PurePosixPath("csrc/notes"), PurePosixPath("license")} < set(files)


def test_embedded_files_and_what_embedded_sources_include_are_found(root: Path) -> None:
    make(root, "csrc/a.cc", "")
    make(root, "kernels/b.cu", '#include "../include/b.cuh"')
    for name in ("include/b.cuh", "prebuilt/c.cubin", "prebuilt/d.cubin"):
        make(root, name)
    embed = (EmbedSettings("b", source="kernels/b.cu"), EmbedSettings("c", file="prebuilt/c.cubin"))
    assert find(root, embed=embed) == {
        *("csrc/a.cc", "kernels/b.cu", "include/b.cuh", "prebuilt/c.cubin")
    }


def test_generated_files_are_not_in_an_sdist(root: Path) -> None:
    make(root, "csrc/a.cc", "")
    extension = ExtensionSettings(
        *("pkg.ops", ("csrc/a.cc",)),
        extra_objects=("made.o",),
        embed=(EmbedSettings("f", file="f.bin"), EmbedSettings("k", source="x/k.cu")),
    )
    sources = [PurePosixPath("csrc/a.cc")]
    generated = Generated({"made.o", "f.bin", "x/k.cu"})
    build_base = root / "build"
    files = find_sdist_files(extension, sources, root, build_base=build_base, generated=generated)
    assert set(files) == set(sources)


def test_files_that_inputs_of_the_linker_name_are_found(root: Path) -> None:
    make(root, "csrc/a.cc")
    make(root, "lib/libz.so", "/* GNU ld script */ INPUT(real.a -ly)")
    make(root, "lib/libthin.a", f"!<thin>\n{'//':48}8         `\nmore.o/\n")
    for name in ("lib/real.a", "lib/liby.a", "lib/more.o", "lib/other.o"):
        make(root, name)
    settings = {"library_dirs": ("lib",), "libraries": ("z",), "extra_objects": ("lib/libthin.a",)}
    assert find(root, **settings) == {
        *("csrc/a.cc", "lib/libz.so", "lib/libthin.a", "lib/real.a", "lib/liby.a", "lib/more.o")
    }
    make(root.parent, "outside.a")
    make(root, "lib/liby.a", "INPUT(../outside.a)")
    with pytest.raises(ConfigurationError, match=r"lib/liby\.a: .*'\.\./outside\.a'"):
        find(root, **settings)


@pytest.mark.parametrize(
    ("text", "macros"),
    [
        ('#define TABLE "../../shared/b.inc"\n#include TABLE', ()),
        ("#include TABLE", (("TABLE", '"../../shared/b.inc"'),)),
        ("#include STRING(../../shared/b.inc)", ()),
        ("#include TABLE", (("TABLE", '"../shared/b.inc"'),)),
    ],
)
def test_a_computed_name_of_a_file_outside_the_project_is_rejected(
    root: Path, text: str, macros: tuple[tuple[str, str], ...]
) -> None:
    make(root, "csrc/a.cc", text)
    make(root.parent, "shared/b.inc")
    with pytest.raises(ConfigurationError, match=r"csrc/a\.cc: includes '(../)+shared/b\.inc'"):
        find(root, define_macros=macros)
    make(root, "csrc/a.cc", text.replace("#include", "// "))
    assert find(root, define_macros=macros) == {"csrc/a.cc"}


def test_a_name_that_a_macro_turns_into_a_string_is_found(root: Path) -> None:
    make(root, "csrc/a.cc", "#include STRING( ../tables/b.inc )")
    make(root, "tables/b.inc")
    assert find(root) == {"csrc/a.cc", "tables/b.inc"}


def test_an_absolute_path_in_pyproject_is_rejected(root: Path) -> None:
    make(root, "csrc/a.cc")
    make(root, "b.h")
    at = Declaration("pyproject.toml: tool.x[0]", in_toml=True)
    for name, value in (("depends", str(root / "b.h")), ("include_dirs", str(root / "csrc"))):
        assert find(root, **{name: (value,)})  # A setup.py can compute the path.
        with pytest.raises(ConfigurationError, match=r"pyproject\.toml.*absolute"):
            find(root, declaration=at, **{name: (value,)})


def test_files_that_assembly_includes_are_found(root: Path) -> None:
    make(root, "csrc/a.s", '\t.include "tables/b.inc"\n\t.incbin "tables/c.bin"\n')
    make(root, "tables/b.inc")
    make(root, "tables/c.bin")
    assert find(root, "csrc/a.s") == {"csrc/a.s", "tables/b.inc", "tables/c.bin"}


def test_the_inputs_and_programs_of_commands_are_found_and_not_their_outputs(root: Path) -> None:
    names = ("tools/gen.py", "tools/module.py", "a.in", "b.in", "data/deep/c.json", "config/d.toml")
    for name in (*names, "tools/helper.py", "config/other.toml", "out.cc"):
        make(root, name)
    commands = [
        GenerateSettings(
            ("{python}", "tools/gen.py", "--config=config/d.toml", "{out}"),
            ("e.json",),
            inputs=("*.in", "data"),
        ),
        GenerateSettings(("program", "{out}/e.json"), ("f.cc",), inputs=("e.json",)),
        GenerateSettings(("{python}", "-m", "tools.module"), ("g.cc",)),
    ]
    found = find_generation_files(commands, root, build_base=root / "build")
    assert {str(file) for file in found} == {*names, "tools/helper.py"}
    assert {str(file) for file, needed in found.items() if not needed} == {
        *("data/deep/c.json", "tools/helper.py")
    }
