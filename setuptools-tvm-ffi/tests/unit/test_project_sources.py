# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.project.sources import (
    Generated,
    check_source_options,
    find_headers,
    find_sources,
    language_of,
    languages_of,
    options_of,
    searched_folders,
)
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.settings.declaration import Declaration
from setuptools_tvm_ffi.settings.model import EmbedSettings, SourceOptions

ODD_NAMES = [
    "with space.cpp",
    "it's.cpp",
    'say "hi".cpp',
    "cost$5.cpp",
    "$(HOME).cpp",
    "half#done.cpp",
    "naïve-ß-中文.cpp",
    "back\\slash.cpp",
    "a=b.cpp",
    "a:b.cpp",
    "100%.cpp",
    "-dash.cpp",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root


def make(root: Path, *files: str) -> None:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")


def find(root: Path, *patterns: str, build_base: str = "build") -> list[str]:
    extension = ExtensionSettings(name="pkg.lib", sources=patterns)
    return [str(s) for s in find_sources(extension, root, build_base=root / build_base)]


def rejected(root: Path, *patterns: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        find(root, *patterns)
    return caught.value


def test_patterns_keep_their_order(root: Path) -> None:
    make(root, "a.c", "b.c", "z/x.cpp")
    assert find(root, "z/x.cpp", "b.c", "a.c") == ["z/x.cpp", "b.c", "a.c"]


def test_the_files_of_a_glob_are_sorted(root: Path) -> None:
    make(root, *(f"src/{name}.cpp" for name in ("b", "B", "a10", "a2", "a", "ä")))
    assert find(root, "src/*.cpp") == [
        f"src/{name}.cpp" for name in ("B", "a", "a10", "a2", "b", "ä")
    ]


def test_the_files_of_each_glob_are_sorted_separately(root: Path) -> None:
    make(root, "x/b.c", "x/a.c", "w/b.c", "w/a.c")
    assert find(root, "x/*.c", "w/*.c") == ["x/a.c", "x/b.c", "w/a.c", "w/b.c"]


def test_two_stars_search_folders_of_every_depth(root: Path) -> None:
    make(root, "src/a.cpp", "src/one/b.cpp", "src/one/two/c.cpp", "src/one/n.c", "other/d.cpp")
    assert find(root, "src/**/*.cpp") == ["src/a.cpp", "src/one/b.cpp", "src/one/two/c.cpp"]


def test_question_marks_and_brackets_are_globs(root: Path) -> None:
    make(root, "a1.c", "a2.c", "a3.c", "ab.c")
    assert find(root, "a[12].c", "?b.c") == ["a1.c", "a2.c", "ab.c"]


def test_duplicates_are_dropped(root: Path) -> None:
    make(root, "src/a.c", "src/b.c")
    assert find(root, "src/b.c", "./src/b.c", "src/*.c", "src/**/*.c") == ["src/b.c", "src/a.c"]


def test_a_glob_skips_hidden_folders(root: Path) -> None:
    make(root, "a.c", ".git/b.c", "src/.cache/deep/c.c", ".venv/lib/d.c")
    assert find(root, "**/*.c") == ["a.c"]


def test_a_file_in_a_hidden_folder_is_found_by_its_name(root: Path) -> None:
    make(root, ".generated/a.c")
    assert find(root, ".generated/a.c") == [".generated/a.c"]


def test_a_project_in_a_hidden_folder_has_sources(tmp_path: Path) -> None:
    root = tmp_path / ".hidden" / "project"
    make(root, "src/a.c")
    assert find(root, "src/*.c") == ["src/a.c"]


@pytest.mark.parametrize("build_base", ["build", "out/build"])
def test_a_glob_skips_the_build_base(root: Path, build_base: str) -> None:
    make(root, "a.c", f"{build_base}/b.c", f"{build_base}/deep/c.c", "builder/d.c")
    assert find(root, "**/*.c", build_base=build_base) == ["a.c", "builder/d.c"]


def test_a_glob_skips_virtual_environments(root: Path) -> None:
    make(root, "a.c", "env/pyvenv.cfg", "env/lib/python3.12/site-packages/other/b.c")
    assert find(root, "**/*.c") == ["a.c"]
    assert find(root, "env/lib/python3.12/site-packages/other/b.c") != []


def test_a_glob_skips_folders_with_the_suffix_of_a_source(root: Path) -> None:
    make(root, "src/a.c", "src/folder.c/readme.txt")
    assert find(root, "src/*.c") == ["src/a.c"]


def test_the_error_for_a_glob_without_matches_names_the_pattern(root: Path) -> None:
    make(root, "a.c", "src/b.cpp")
    error = rejected(root, "a.c", "src/*.c")
    assert error.message == "extension 'pkg.lib': sources: 'src/*.c': glob matches nothing"
    assert error.hint is not None
    assert f"relative to {root}" in error.hint
    assert "MANIFEST.in" in error.hint


@pytest.mark.parametrize("pattern", ["src/**.cpp", "**x/*.cpp"])
def test_the_error_for_two_stars_beside_other_characters_names_the_pattern(
    root: Path, pattern: str
) -> None:
    # pathlib accepts these patterns from Python 3.13 on. They match no file here.
    assert f"sources: {pattern!r}" in rejected(root, pattern).message


@pytest.mark.parametrize("file", ["nowhere.c", "src/nowhere.c", "../nowhere.c", "/nowhere/x.c"])
def test_a_missing_file_is_rejected(root: Path, file: str) -> None:
    error = rejected(root, file)
    assert error.message == f"extension 'pkg.lib': sources: {file!r}: file does not exist"


def test_a_folder_is_not_a_source(root: Path) -> None:
    (root / "folder.c").mkdir()
    assert rejected(root, "folder.c").message.endswith("'folder.c': file does not exist")


@pytest.mark.parametrize("pattern", ["../outside.c", "../*.c", "src/../../outside.c"])
def test_a_relative_path_outside_the_project_is_rejected(root: Path, pattern: str) -> None:
    make(root, "../outside.c", "src/a.c")
    error = rejected(root, pattern)
    assert error.message == (f"extension 'pkg.lib': sources: {pattern!r} lies outside the project")
    assert error.hint is not None
    assert "sdist" in error.hint


def test_an_absolute_path_outside_the_project_is_rejected(root: Path, tmp_path: Path) -> None:
    make(tmp_path, "outside.c")
    assert rejected(root, f"{tmp_path}/outside.c").message.endswith("lies outside the project")


def test_a_folder_that_begins_like_the_root_is_outside(root: Path) -> None:
    make(root, "../project-two/a.c")
    assert rejected(root, f"{root}-two/a.c").message.endswith("lies outside the project")


def test_an_absolute_path_inside_the_project_becomes_relative(root: Path) -> None:
    make(root, "src/a.c")
    assert find(root, f"{root}/src/a.c", "src/a.c") == ["src/a.c"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_with_an_odd_name_is_found_by_name(root: Path, name: str) -> None:
    make(root, f"src/{name}")
    assert find(root, f"src/{name}") == [f"src/{name}"]


def test_files_with_odd_names_are_found_by_glob(root: Path) -> None:
    make(root, *(f"src dir/{name}" for name in ODD_NAMES))
    assert find(root, "src dir/*.cpp") == sorted(f"src dir/{name}" for name in ODD_NAMES)


@pytest.mark.parametrize("name", ["a[1].c", "what?.c", "a*.c", "[ab].c"])
def test_an_existing_file_is_not_a_glob(root: Path, name: str) -> None:
    make(root, name, "a1.c", "what!.c", "ab.c", "a.c", "b.c")
    assert find(root, name) == [name]


def test_a_source_can_be_a_symbolic_link(root: Path) -> None:
    make(root, "shared/a.c")
    (root / "src").mkdir()
    os.symlink("../shared/a.c", root / "src/link.c")
    assert find(root, "src/*.c") == ["src/link.c"]


def test_a_glob_resolves_no_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Resolving each of 3,000 files took 3 s.
    make(root, *(f"src/deep/{number}.c" for number in range(100)))
    resolved: list[str] = []

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            resolved.append(os.fspath(path))
            return function(path, *arguments, **options)

        return call

    monkeypatch.setattr(Path, "resolve", counted(Path.resolve))
    monkeypatch.setattr(os.path, "realpath", counted(os.path.realpath))
    assert len(find(root, "src/**/*.c")) == 100
    assert [path for path in resolved if path.endswith(".c")] == []


@pytest.mark.parametrize(
    ("source", "language"),
    [
        ("a.c", "c"),
        ("A.CC", "cxx"),
        ("A.CU", "cuda"),
        ("x/a.cc", "cxx"),
        ("a.cpp", "cxx"),
        ("a.b.cxx", "cxx"),
        ("a.cpp.c", "c"),
    ],
)
def test_the_last_suffix_determines_the_language(source: str, language: str) -> None:
    assert language_of(PurePosixPath(source)) == language


@pytest.mark.parametrize("name", ["include_dirs", "system_include_dirs"])
def test_headers_beside_sources_and_in_include_folders_are_found(root: Path, name: str) -> None:
    names = ("a.h", "sub/b.hpp", "env/lib/c.h", ".git/d.h", "build/e.h", "notes.txt")
    make(root, "csrc/a.cpp", "csrc/a.inl", "env/pyvenv.cfg", *names)
    folders = {name: (".",)}
    extension = ExtensionSettings(name="pkg.lib", sources=("csrc/a.cpp",), **folders)
    found = find_headers(extension, [PurePosixPath("csrc/a.cpp")], root, build_base=root / "build")
    assert list(map(str, found)) == ["a.h", "csrc/a.inl", "sub/b.hpp"]


@pytest.mark.parametrize(
    ("pattern", "folders"),
    [
        ("src/a.c", []),
        ("src/*.c", ["src"]),
        ("src/*/a.c", ["src", "src/one", "src/one/two"]),
        ("src/**/*.c", ["src", "src/one", "src/one/two"]),
        ("src/one/**/deep/*.c", ["src/one", "src/one/two"]),
    ],
)
def test_a_new_source_can_appear_in_these_folders(
    root: Path, pattern: str, folders: list[str]
) -> None:
    make(root, "src/one/two/a.c", "src/.git/b.c", "other/c.c")
    found = searched_folders([pattern], root, build_base=root / "build")
    assert list(map(str, found)) == folders


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("csrc/a.cc", ["csrc/a.cc"]),
        ("./csrc//a.cc", ["csrc/a.cc"]),
        ("csrc/*.cc", ["csrc/a.cc"]),
        ("csrc/*", ["csrc/a.cc", "csrc/c.cu", "csrc/d[1].c"]),
        ("csrc/**/*.cc", ["csrc/a.cc", "csrc/x/b.cc", "csrc/x/y/b.cc"]),
        ("**/b.cc", ["csrc/x/b.cc", "csrc/x/y/b.cc"]),
        ("csrc/x/**", ["csrc/x/b.cc", "csrc/x/y/b.cc"]),
        ("csrc/?.c?", ["csrc/a.cc", "csrc/c.cu"]),
        ("csrc/[a-b].*", ["csrc/a.cc"]),
        ("csrc/d[1].c", ["csrc/d[1].c"]),
        ("*.cc", []),
        ("a.cc", []),
    ],
)
def test_source_options_match_paths_and_globs_as_sources_do(
    pattern: str, matched: list[str]
) -> None:
    names = ["csrc/a.cc", "csrc/x/b.cc", "csrc/x/y/b.cc", "csrc/c.cu", "csrc/d[1].c"]
    sources = [PurePosixPath(name) for name in names]
    entry = SourceOptions(
        sources=("csrc/a.cc", pattern), declaration=Declaration("p.source-options[0]", in_toml=True)
    )
    alone = SourceOptions(sources=(pattern,))
    extension = ExtensionSettings("pkg.ops", ("*",), source_options=(alone,))
    assert [str(s) for s in sources if options_of(extension, s)] == matched
    both = ExtensionSettings("pkg.ops", ("*",), source_options=(entry,))
    if matched:
        check_source_options(both, sources)
    else:
        with pytest.raises(ConfigurationError, match=r"p\.source-options\[0\]\.sources") as caught:
            check_source_options(both, sources)
        assert repr(pattern) in caught.value.message
        assert "csrc/a.cc" in str(caught.value.hint)


def test_entries_of_source_options_keep_their_order() -> None:
    entries = tuple(SourceOptions(sources=(name,), cxx_std="20") for name in ("b", "a", "*"))
    extension = ExtensionSettings("pkg.ops", ("*",), source_options=entries)
    assert options_of(extension, PurePosixPath("a")) == entries[1:]


def test_generated_sources_are_named_and_need_not_exist(root: Path) -> None:
    make(root, "src/a.c")
    extension = ExtensionSettings(name="pkg.lib", sources=("src/*.c", "./x/b.cc"))
    names = frozenset({"x/b.cc", "src/c.c"})
    found = find_sources(
        *(extension, root),
        build_base=root / "build",
        generated=Generated(names, PurePosixPath("build/out")),
    )
    assert list(map(str, found)) == ["src/a.c", "build/out/x/b.cc"]
    in_sdist = find_sources(extension, root, build_base=root / "build", generated=Generated(names))
    assert list(map(str, in_sdist)) == ["src/a.c"]


def test_a_missing_source_leads_to_the_setting_for_generated_files(root: Path) -> None:
    extension = ExtensionSettings(name="pkg.lib", sources=("a.cc",))
    with pytest.raises(ConfigurationError) as caught:
        find_sources(extension, root, build_base=root / "build")
    assert "tool.setuptools-tvm-ffi.generate" in str(caught.value.hint)


def test_a_glob_over_generated_sources_leads_to_their_names(root: Path) -> None:
    extension = ExtensionSettings(name="pkg.lib", sources=("gen/*.cc",))
    generated = Generated({"gen/b.cc", "gen/a.cc", "gen/a.h"}, PurePosixPath("build/out"))
    with pytest.raises(ConfigurationError) as caught:
        find_sources(extension, root, build_base=root / "build", generated=generated)
    assert "gen/a.cc, gen/b.cc" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("sources", "embed", "languages"),
    [
        (["a.c", "b.S", "c.s"], (), {"c", "asm"}),
        (["a.cc"], (EmbedSettings("e", file="e.bin"),), {"cxx", "asm"}),
        (["a.cc"], (EmbedSettings("e", source="e.cu"),), {"cxx", "cuda", "asm"}),
        ([], (), set()),
    ],
)
def test_the_languages_include_those_of_embedded_files(
    sources: list[str], embed: tuple[EmbedSettings, ...], languages: set[str]
) -> None:
    extension = ExtensionSettings("pkg.lib", extra_objects=("a.o",), embed=embed)
    assert languages_of(extension, map(PurePosixPath, sources)) == languages
