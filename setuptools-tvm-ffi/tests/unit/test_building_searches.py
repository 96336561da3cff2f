# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ntpath
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from setuptools_tvm_ffi.building import searches
from setuptools_tvm_ffi.building.searches import HeaderSearch, IncludePath
from setuptools_tvm_ffi.project.source_scan import SourceFacts, scan

GCC = """\
Using built-in specs.
COLLECT_GCC=g++
 /usr/lib/gcc/x86_64-linux-gnu/12/cc1plus -E -quiet -v -I include -iquote quoted /dev/null
ignoring duplicate directory "/usr/include/x86_64-linux-gnu/c++/12"
ignoring nonexistent directory "/usr/local/include/x86_64-linux-gnu"
ignoring nonexistent directory "my folder/not (there)"
#include "..." search starts here:
 quoted
 csrc/two words
#include <...> search starts here:
 include
 /usr/include/c++/12
 /usr/include
End of search list.
# 0 "/dev/null"
 not a folder
"""
CLANG = """\
clang version 19.1.7
InstalledDir: /usr/bin
 (in-process)
 "/usr/lib/llvm-19/bin/clang" -cc1 -triple arm64-apple-macosx11.0.0 -E
clang -cc1 version 19.1.7 based upon LLVM 19.1.7 default target x86_64-pc-linux-gnu
ignoring nonexistent directory "/include"
#include "..." search starts here:
#include <...> search starts here:
 include
 /usr/lib/llvm-19/lib/clang/19/include
 /Library/Developer/SDKs/MacOSX.sdk/System/Library/Frameworks (framework directory)
End of search list.
"""


def test_the_include_path_of_gcc() -> None:
    assert searches.include_path(GCC) == IncludePath(
        quoted=("quoted", "csrc/two words"),
        brackets=("include", "/usr/include/c++/12", "/usr/include"),
        missing=(
            "/usr/include/x86_64-linux-gnu/c++/12",
            "/usr/local/include/x86_64-linux-gnu",
            "my folder/not (there)",
        ),
    )


def test_the_include_path_of_clang() -> None:
    assert searches.include_path(CLANG) == IncludePath(
        brackets=(
            "include",
            "/usr/lib/llvm-19/lib/clang/19/include",
            "/Library/Developer/SDKs/MacOSX.sdk/System/Library/Frameworks",
        ),
        missing=("/include",),
    )


@pytest.mark.parametrize("printed", ["", "command not found\n", " indented\n"])
def test_other_output_has_no_include_path(printed: str) -> None:
    assert searches.include_path(printed) == IncludePath()


def test_the_include_path_of_msvc() -> None:
    arguments = ("/nologo", "/Iinclude", "/I", "my folder", "-Iwith dash", "/DX=/I")
    arguments += ("/external:Iouter", "/external:I", "more", "/external:W0")
    variables = {"INCLUDE": r"C:\VC\include;;C:\SDK\ucrt"}
    assert searches.msvc_include_path(arguments, variables) == IncludePath(
        brackets=(
            *("include", "my folder", "with dash", "outer", "more"),
            *(r"C:\VC\include", r"C:\SDK\ucrt"),
        ),
        of_includers=True,
    )


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on PATH")
def test_gcc_is_queried_for_its_include_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("from variable", "quoted", "include"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("CPATH", "from variable")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    flags = ("-iquote", "quoted", "-Iinclude", "-Inowhere", "-E", "-v", "-x", "c", os.devnull)
    path = searches.include_path(searches.ask(("gcc", *flags), tmp_path))
    assert path.quoted == ("quoted",)
    assert path.brackets[:2] == ("include", "from variable")
    assert "nowhere" in path.missing


def test_a_compiler_that_does_not_start_has_no_include_path(tmp_path: Path) -> None:
    assert searches.ask((str(tmp_path / "missing"),), tmp_path) == ""


# --- missing headers ----------------------------------------------------------------------------


class Project:
    """Files by path."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = {os.path.normpath(name): text for name, text in files.items()}

    def facts(self, name: str) -> SourceFacts:
        return scan(self.files[os.path.normpath(name)].encode())

    def exists(self, name: str) -> bool:
        return os.path.normpath(name) in self.files

    def missing(self, path: IncludePath, read: Iterable[str]) -> set[str]:
        return HeaderSearch(path, self.facts, self.exists).search(read)[1]

    def found(self, path: IncludePath, read: Iterable[str]) -> set[str]:
        return HeaderSearch(path, self.facts, self.exists).search(read)[0]


PATH = IncludePath(quoted=("quoted",), brackets=("one", "two"), missing=("nowhere",))


def test_a_name_in_quotes_is_searched_beside_its_file_first() -> None:
    project = Project({"csrc/a.c": '#include "x/h.h"', "two/x/h.h": ""})
    assert project.missing(PATH, ["csrc/a.c", "two/x/h.h"]) == {
        *("csrc/x/h.h", "quoted/x/h.h", "nowhere/x/h.h", "one/x/h.h")
    }


def test_a_name_in_angle_brackets_is_searched_on_the_path_only() -> None:
    project = Project({"csrc/a.c": "#include <h.h>", "two/h.h": ""})
    assert project.missing(PATH, ["csrc/a.c", "two/h.h"]) == {"nowhere/h.h", "one/h.h"}


def test_a_header_that_is_found_first_can_be_shadowed_only_by_a_missing_folder() -> None:
    project = Project({"csrc/a.c": '#include "h.h"\n#include <o.h>', "csrc/h.h": "", "one/o.h": ""})
    assert project.missing(PATH, ["csrc/a.c", "csrc/h.h", "one/o.h"]) == {"nowhere/o.h"}


def test_headers_of_headers_are_searched_beside_them() -> None:
    files = {"a.c": "#include <one.h>", "one/one.h": '#include "two.h"', "two/two.h": ""}
    read = ["a.c", "one/one.h", "two/two.h"]
    assert Project(files).missing(IncludePath(brackets=("one", "two")), read) == {"one/two.h"}
    assert Project(files).missing(IncludePath(("q",), ("one", "two")), read) == {
        *("one/two.h", "q/two.h")
    }


def test_a_name_in_a_branch_that_was_not_compiled_has_no_effect() -> None:
    project = Project(
        {"a.c": "#if 0\n#include <gone.h>\n#include <there.h>\n#endif", "two/there.h": ""}
    )
    assert project.missing(PATH, ["a.c"]) == set()


def test_an_unread_file_on_the_include_path_is_skipped() -> None:
    # For example because the name is also in a branch that was not compiled.
    project = Project({"a.c": "#include <h.h>", "one/h.h": "", "two/h.h": ""})
    assert project.missing(PATH, ["a.c", "two/h.h"]) == {"nowhere/h.h"}


def test_a_header_whose_existence_is_checked_is_missing_everywhere() -> None:
    project = Project({"csrc/a.c": '#if __has_include("h.h")\n#include "h.h"\n#endif'})
    assert project.missing(PATH, ["csrc/a.c"]) == {
        *("csrc/h.h", "quoted/h.h", "nowhere/h.h", "one/h.h", "two/h.h")
    }
    project = Project({"csrc/a.c": "#if __has_include(<h.h>)"})
    assert project.missing(PATH, ["csrc/a.c"]) == {"nowhere/h.h", "one/h.h", "two/h.h"}


def test_an_include_check_of_an_existing_header_depends_on_no_missing_file() -> None:
    project = Project({"a.c": "#if __has_include(<h.h>)", "two/h.h": ""})
    assert project.missing(PATH, ["a.c"]) == set()
    assert project.found(PATH, ["a.c"]) == {"two/h.h"}


def test_the_next_header_is_searched_after_the_own_folder() -> None:
    files = {"a.c": "#include <h.h>", "one/h.h": "#include_next <h.h>", "three/h.h": ""}
    path = IncludePath(brackets=("one", "two", "three"))
    assert Project(files).missing(path, ["a.c", "one/h.h", "three/h.h"]) == {"two/h.h"}
    files["one/h.h"] = "#if __has_include_next(<h.h>)"
    del files["three/h.h"]
    assert Project(files).missing(path, ["a.c", "one/h.h"]) == {"two/h.h", "three/h.h"}


def test_a_check_for_the_next_header_in_quotes_skips_the_own_folder() -> None:
    files = {"a.c": '#include "h.h"', "one/h.h": '#if __has_include_next("h.h")'}
    project = Project(files)
    assert "two/h.h" in project.missing(PATH, ["a.c", "one/h.h"])


def test_a_computed_name_can_lead_upwards() -> None:
    project = Project({"a.c": '#define H "../h.h"\n#include H', "y/two/../h.h": ""})
    path = IncludePath(brackets=("x/one", "y/two"))
    assert "x/one/../h.h" in project.missing(path, ["a.c", "y/two/../h.h"])


def test_an_absolute_name_is_not_searched() -> None:
    name = os.path.abspath("h.h")
    project = Project({"a.c": f'#include "{name}"\n#if __has_include("{name}x")', name: ""})
    assert project.missing(PATH, ["a.c", name]) == {f"{name}x"}


def test_a_header_that_an_argument_includes_is_searched() -> None:
    project = Project({"csrc/a.c": "", "two/forced.h": ""})
    # The compiler searches in the working folder first.
    assert project.missing(PATH, ["csrc/a.c", "two/forced.h"]) >= {
        *("forced.h", "quoted/forced.h", "nowhere/forced.h", "one/forced.h")
    }
    project = Project({"csrc/a.c": "", "quoted/forced.h": ""})
    assert "forced.h" in project.missing(PATH, ["csrc/a.c", "quoted/forced.h"])


@pytest.mark.parametrize(
    "text",
    [
        '#define H "x/h.h"\n#include H',
        '/**/#include "x/h.h"',
        '%:include "x/h.h"',
        '#\\\ninclude "x/h.h"',
        '#include /**/ "x/h.h"',
    ],
)
def test_a_header_that_the_scan_does_not_find_is_searched_beside_the_file(text: str) -> None:
    project = Project({"csrc/a.c": text, "two/x/h.h": ""})
    assert project.missing(PATH, ["csrc/a.c", "two/x/h.h"]) >= {
        *("csrc/x/h.h", "quoted/x/h.h", "nowhere/x/h.h", "one/x/h.h")
    }


def test_an_include_check_of_a_computed_name_depends_on_every_file_on_the_path() -> None:
    project = Project({"csrc/a.c": '#define H "h.h"\n#if __has_include(H)'})
    assert project.missing(PATH, ["csrc/a.c"]) == {
        *("csrc/*", "quoted/*", "nowhere/*", "one/*", "two/*")
    }
    project = Project({"a.c": "#if __has_include(H)"})
    assert project.missing(IncludePath(), ["a.c"]) == {"./*"}


def test_the_source_is_not_searched() -> None:
    project = Project({"two/a.c": ""})
    assert project.missing(PATH, ["two/a.c"]) == set()


def test_spellings_of_a_path_are_equal() -> None:
    files = {"csrc/a.c": '#include "../two/h.h"\n#include <i.h>', "two/h.h": "", "two/i.h": ""}
    path = IncludePath(brackets=("./one", "csrc/../two"))
    read = ["csrc/a.c", "csrc/../two/h.h", "csrc/../two/i.h"]
    assert Project(files).missing(path, read) == {"./one/i.h"}


def test_one_search_serves_several_sources() -> None:
    files = {
        "a.c": "#include <h.h>\n#ifdef A\n#include <x.h>\n#endif",
        "b.c": "#include <h.h>",
        "two/h.h": "#include <x.h>",
        "two/x.h": "",
    }
    project = Project(files)
    search = HeaderSearch(PATH, project.facts, project.exists)
    both = {"nowhere/h.h", "one/h.h", "nowhere/x.h", "one/x.h"}
    assert search.search(["a.c", "two/h.h", "two/x.h"])[1] == both
    assert search.search(["b.c", "two/h.h"])[1] == {"nowhere/h.h", "one/h.h"}
    assert search.search(["b.c", "two/h.h", "two/x.h"])[1] == both


def test_msvc_searches_the_folders_of_the_files_that_include_a_header() -> None:
    project = Project(
        {
            "csrc/a.c": '#include "sub/b.h"',
            "csrc/sub/b.h": '#include "../deep/c.h"\n#include <angle.h>',
            "csrc/deep/c.h": '#include "d.h"\n#include "e.h"',
            "one/d.h": "",
            "csrc/e.h": "",
            "one/angle.h": "",
        }
    )
    path = IncludePath(brackets=("none", "one"), of_includers=True)
    read = [
        *("csrc/a.c", "csrc/sub/b.h", "csrc/sub/../deep/c.h", "one/d.h", "csrc/e.h"),
        "one/angle.h",
    ]
    missing = {os.path.normpath(name) for name in project.missing(path, read)}
    beside = {"csrc/deep/d.h", "csrc/sub/d.h", "csrc/d.h", "csrc/deep/e.h", "csrc/sub/e.h"}
    assert missing == {*beside, "none/d.h", "none/angle.h"}
    gnu = project.missing(replace(path, of_includers=False), [*read[:4], "one/angle.h"])
    assert {os.path.normpath(n) for n in gnu} == {"csrc/deep/d.h", "none/d.h", "none/angle.h"}


def test_headers_in_the_lower_case_of_cl_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    on_windows = SimpleNamespace(path=ntpath, sep="\\", pardir="..")
    monkeypatch.setattr(searches, "os", on_windows)
    texts = {"csrc/ops.cc": b'#include "Own.h"\n#include "Api.h"\n'}
    search = HeaderSearch(
        IncludePath(brackets=("include", r"C:\SDK\include")),
        lambda name: scan(texts.get(name, b"")),
        {r"csrc\Own.h", r"C:\SDK\include\Api.h"}.__contains__,
    )
    read = ["csrc/ops.cc", "csrc/own.h", r"c:\sdk\include\api.h"]
    assert search.search(read) == (set(), {r"csrc\Api.h", r"include\Api.h"})


def test_a_file_that_an_argument_names_has_no_missing_predecessors() -> None:
    project = Project({"main.c": "", "two/a.c": '#include "x.h"', "two/x.h": ""})
    search = HeaderSearch(PATH, project.facts, project.exists)
    read = ["main.c", "two/a.c", "two/x.h"]
    assert "one/a.c" in search.search(read)[1]
    assert search.search(read, ["two/a.c"])[1] == set()


def test_data_of_the_assembler_is_found() -> None:
    project = Project({"csrc/a.c": 'asm(".incbin \\"x.bin\\"");', "two/x.bin": ""})
    assert project.found(PATH, ["csrc/a.c"]) == {"two/x.bin"}
    assert project.missing(PATH, ["csrc/a.c"]) == {"x.bin", "nowhere/x.bin", "one/x.bin"}
    project = Project({"a.s": '.include "b.inc"', "b.inc": '.incbin "c.bin"', "c.bin": "\0"})
    assert project.found(PATH, ["a.s"]) == {"b.inc", "c.bin"}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


# --- libraries ----------------------------------------------------------------------------------


def test_libraries_are_searched_in_order(tmp_path: Path) -> None:
    write(tmp_path, {"two/liba.so": "\0", "two/liba.a": "!<arch>\n", "three/liba.so": "\0"})
    arguments = ("-Lone", "-L", "two", "-Lthree", "-la")
    assert searches.searched_libraries(arguments, (), tmp_path) == (
        {"two/liba.so": None},
        {f"one/liba{suffix}" for suffix in (".so", ".tbd", ".dylib", ".a")},
    )


def test_a_shared_library_could_appear_before_a_static_one(tmp_path: Path) -> None:
    write(tmp_path, {"one/liba.a": "!<arch>\n"})
    found, missing = searches.searched_libraries(("-l", "a", "-Lone"), (), tmp_path)
    assert found == {"one/liba.a": None}
    assert "one/liba.so" in missing


def test_a_static_library_is_found_if_the_arguments_can_require_it(tmp_path: Path) -> None:
    write(tmp_path, {"one/liba.so": "\0", "two/liba.a": "!<arch>\n"})
    arguments = ("-Lone", "-Ltwo", "-Wl,-Bstatic", "-la")
    found, missing = searches.searched_libraries(arguments, (), tmp_path)
    assert found == {"one/liba.so": None, "two/liba.a": None}
    assert "one/liba.a" in missing


def test_more_folders_are_searched_last(tmp_path: Path) -> None:
    write(tmp_path, {"sys/liba.so": "\0", "sys/libb.so": "\0", "own/libb.so": "\0"})
    found, missing = searches.searched_libraries(("-la", "-lb", "-Lown"), ("sys",), tmp_path)
    assert list(found) == ["sys/liba.so", "own/libb.so"]
    assert "own/liba.so" in missing


def test_a_library_that_is_found_nowhere_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "one/libdir.so").mkdir(parents=True)
    assert searches.searched_libraries(("-Lone", "-lm", "-ldir"), (), tmp_path) == ({}, set())


def test_an_exact_file_name_is_searched(tmp_path: Path) -> None:
    write(tmp_path, {"two/liba.so.1": "\0"})
    found, missing = searches.searched_libraries(("-l:liba.so.1", "-Lone"), ("two",), tmp_path)
    assert (found, missing) == ({"two/liba.so.1": None}, {"one/liba.so.1"})


def test_libraries_of_windows_are_searched(tmp_path: Path) -> None:
    write(tmp_path, {"two/x.lib": "!<arch>\n"})
    arguments = ("/LIBPATH:one", "/LIBPATH:two", "x.lib")
    found, missing = searches.searched_libraries(arguments, (), tmp_path)
    assert (found, missing) == ({"two/x.lib": None}, {"one/x.lib"})


@pytest.mark.parametrize(
    "argument", ["/WHOLEARCHIVE:x.lib", "-wholearchive:x", "/DEFAULTLIB:x", "/defaultlib:X.lib"]
)
def test_libraries_in_options_of_windows_are_searched(tmp_path: Path, argument: str) -> None:
    name = "X.lib" if "X.lib" in argument else "x.lib"
    write(tmp_path, {f"two/{name}": "!<arch>\n"})
    arguments = ("-libpath:one", "/LIBPATH:two", argument)
    found, missing = searches.searched_libraries(arguments, (), tmp_path)
    assert (found, missing) == ({f"two/{name}": None}, {f"one/{name}"})


@pytest.mark.parametrize("option", ["-weak-lx", "-needed-lx", "-Wl,-hidden-lx"])
def test_libraries_in_options_of_macos_are_searched(tmp_path: Path, option: str) -> None:
    write(tmp_path, {"two/libx.dylib": "\0"})
    found, missing = searches.searched_libraries((option, "-Lone", "-Ltwo"), (), tmp_path)
    assert found == {"two/libx.dylib": None}
    assert "one/libx.dylib" in missing


@pytest.mark.parametrize(
    "options",
    [
        *(("-T", "x.ld"), ("-Tx.ld",), ("-Wl,--script=x.ld",), ("-Wl,--script,x.ld",)),
        *(("-Wl,--version-script=x.ld",), ("-Wl,--dynamic-list=x.ld",)),
    ],
)
def test_linker_scripts_are_searched_in_the_folders_of_libraries(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    write(tmp_path, {"two/x.ld": "INPUT(y.o)", "two/y.o": "\0"})
    found, missing = searches.searched_libraries(("-Lone", "-Ltwo", *options), (), tmp_path)
    assert list(found) == ["two/x.ld", "two/y.o"]
    assert missing >= {"x.ld", "one/x.ld"}


def test_libraries_in_response_files_are_searched(tmp_path: Path) -> None:
    write(tmp_path, {"link.rsp": "-Lone -la", "one/liba.so": "\0"})
    found, _ = searches.searched_libraries(("@link.rsp",), (), tmp_path)
    assert found == {"one/liba.so": None}


@pytest.mark.skipif(shutil.which("ar") is None, reason="no ar on PATH")
def test_members_of_thin_archives_are_found(tmp_path: Path) -> None:
    members = ["one/a member with a long name.o", "b.o", "two/c.o"]
    write(tmp_path, dict.fromkeys(members, "x"))
    subprocess.run(["ar", "rcT", "one/libx.a", *members], cwd=tmp_path, check=True)
    expected = {"one/libx.a", *(f"one/../{member}" for member in members[1:]), members[0]}
    found, _ = searches.searched_libraries(("-Lone", "-lx"), (), tmp_path)
    assert set(found) == expected
    found, _ = searches.searched_libraries(("one/libx.a",), (), tmp_path)
    assert set(found) == expected - {"one/libx.a"}  # `named_files` returns the archive.


@pytest.mark.parametrize("content", ["!<thin>\n", "!<thin>\nx", "!<thin>\n" + "x" * 60])
def test_a_corrupt_archive_has_no_members(tmp_path: Path, content: str) -> None:
    write(tmp_path, {"x.a": content})
    assert searches.searched_libraries(("x.a",), (), tmp_path) == ({}, set())


@pytest.mark.parametrize(
    "arguments",
    [
        ("-Lone", "-Wl,-la"),
        ("-Wl,-Bdynamic,-la", "-Wl,-L,one"),
        ("-Xlinker", "-la", "-Xlinker", "-Lone"),
        ("-Xlinker", "-L", "-Xlinker", "one", "-Xlinker", "-l", "-Xlinker", "a"),
        ("--library=a", "--library-path=one"),
        ("-Wl,--library-path,one,--library,a",),
        ("-Lone", "-Wl,@link.rsp"),
        ("-Lone", "-Wl,-l:liba.so"),
    ],
)
def test_arguments_of_the_linker_are_searched(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write(tmp_path, {"link.rsp": "-la", "one/liba.so": "\0"})
    found, _ = searches.searched_libraries(arguments, (), tmp_path)
    assert found == {"one/liba.so": None}


def test_linker_scripts_are_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "one/liba.so": f"/* GNU ld script */\nOUTPUT_FORMAT(elf64-x86-64)\n"
            f"GROUP ( {tmp_path}/abs.so.6 liba_nonshared.a AS_NEEDED ( -lb other.so.1 ) )\n"
            'INPUT("quoted.o") INCLUDE more',
            "one/quoted.o": "\0",
            "one/more": "INPUT(plain)",
            "two/plain": "\0",
            "abs.so.6": "\0",
            "one/liba_nonshared.a": "!<arch>\n",
            "two/libb.so": "INPUT(-la)",
            "two/other.so.1": "\0",
        },
    )
    found, missing = searches.searched_libraries(("-la", "-Lone", "-Ltwo"), (), tmp_path)
    assert set(found) == {
        *("one/liba.so", f"{tmp_path}/abs.so.6", "one/liba_nonshared.a"),
        *("two/libb.so", "two/other.so.1", "one/quoted.o", "one/more", "two/plain"),
    }
    assert "one/libb.so" in missing


@pytest.mark.parametrize(
    ("printed", "variables", "folders"),
    [
        ("install: /x\nlibraries: =/a/:/b/../c\n", {}, ("/a/", "/b/../c")),
        ("programs: =/p\nlibraries: =/a\n", {"LIBRARY_PATH": "/v::/w"}, ("/v", "/w", "/a")),
        ("libraries: /a\n", {"LIB": "/l"}, ("/l", "/a")),
        ("", {}, ()),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="paths have other separators there")
def test_the_library_path(
    printed: str, variables: dict[str, str], folders: tuple[str, ...]
) -> None:
    assert searches.library_path(printed, variables) == folders


# --- wrapper scripts ----------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="scripts have no first line there")
def test_a_script_is_distinguished_from_a_binary_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in {"wrapper": "#!/bin/sh\n", "program": "\x7fELF", "empty": ""}.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "text").write_text("#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert searches.script_of("wrapper") == str(tmp_path / "wrapper")
    assert searches.script_of(str(tmp_path / "wrapper")) == str(tmp_path / "wrapper")
    for name in ("program", "empty", "text", "missing", "-std=c++17", "", str(tmp_path)):
        assert searches.script_of(name) is None
    # An interpreter can run a script that is not executable: `sh wrapper`.
    assert searches.script_of(str(tmp_path / "text")) == str(tmp_path / "text")


def test_an_include_path_is_outdated_if_a_missing_folder_appears_or_a_link_has_a_new_target(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "link").symlink_to("a")
    path = IncludePath(brackets=("a",), missing=("link", "new"))
    assert not path.is_outdated(tmp_path)
    (tmp_path / "new").mkdir()
    assert path.is_outdated(tmp_path)
    (tmp_path / "new").rmdir()
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("b")
    assert path.is_outdated(tmp_path)
