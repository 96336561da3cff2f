# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest
from setuptools_tvm_ffi.project.argument_files import expanded, named_files, words_of


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        # GNU ld and lld
        *(("-T", "a.txt"), ("-Ta.txt",), ("-Wl,-T,a.txt",), ("-Wl,-Ta.txt",)),
        *(("-Xlinker", "-T", "-Xlinker", "a.txt"), ("-Wl,--script=a.txt",)),
        *(("-Wl,--version-script=a.txt",), ("-Wl,--version-script,a.txt",)),
        *(("-Wl,--dynamic-list=a.txt",), ("-Wl,--export-dynamic-symbol-list=a.txt",)),
        *(("-Wl,--symbol-ordering-file=a.txt",), ("-Wl,@a.txt",), ("@a.txt",)),
        # ld of macOS
        *(("-exported_symbols_list", "a.txt"), ("-Wl,-exported_symbols_list,a.txt",)),
        *(("-Wl,-unexported_symbols_list,a.txt",), ("-Wl,-order_file,a.txt",)),
        ("-sectcreate", "__TEXT", "__info", "a.txt"),
        # link of Windows
        *(("/DEF:a.txt",), ("-def:a.txt",), ("/MANIFESTINPUT:a.txt",), ("/ORDER:@a.txt",)),
        *(("/WHOLEARCHIVE:a.txt",), ("/NATVIS:a.txt",), ("/SOURCELINK:a.txt",)),
        # compilers
        *(("-include", "a.txt"), ("-includea.txt",), ("/FIa.txt",), ("-specs=a.txt",)),
        *(("-fprofile-use=a.txt",), ("-optf", "a.txt"), ("--options-file=a.txt",)),
        ("-Xcompiler=-fno-builtin,-fplugin=a.txt",),
    ],
)
def test_a_file_that_an_option_names_is_found(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write(tmp_path, {"a.txt": ""})
    assert list(named_files(arguments, tmp_path)) == ["a.txt"]


@pytest.mark.parametrize("argument", ["-l:a.txt", "C:a.txt", "-weak-la.txt"])
def test_other_arguments_name_no_file(tmp_path: Path, argument: str) -> None:
    write(tmp_path, {"a.txt": ""})
    assert list(named_files((argument,), tmp_path)) == []


@pytest.mark.parametrize(
    "arguments",
    [
        *(("-Wl,-Map=out.map",), ("-Wl,-Map,out.map",), ("-Wl,--dependency-file=out.map",)),
        *(("-Xlinker", "-Map", "-Xlinker", "out.map"), ("-Wl,--Map=out.map",), ("/MAP:out.map",)),
    ],
)
def test_a_file_that_the_linker_writes_is_no_input(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    write(tmp_path, {"out.map": "", "a.o": ""})
    assert list(named_files((*arguments, "a.o"), tmp_path)) == ["a.o"]


def test_files_that_arguments_name_are_found(tmp_path: Path) -> None:
    names = ["a.o", "exports.map", "list.txt", "script.ld", "b c.o", "x=y,z.o", "c.a", "plugin.so"]
    write(tmp_path, dict.fromkeys(names, ""))
    (tmp_path / "folder").mkdir()
    arguments = (
        *("a.o", "-Wl,--version-script=exports.map", "-Wl,--dynamic-list,list.txt", "-Tscript.ld"),
        *("b c.o", "x=y,z.o", "-Wl,-force_load,c.a", "-fplugin=plugin.so", "-Lfolder", "folder"),
        *(
            "missing.o",
            "",
            "-",
            "=",
            "@",
            "-DTEXT=" + "long" * 100,
            "-DNUL=\0",
            str(tmp_path / "a.o"),
        ),
    )
    assert list(named_files(arguments, tmp_path)) == [*names, str(tmp_path / "a.o")]


@pytest.mark.parametrize("options", [("@link.rsp",), ("-optf", "link.rsp"), ("-Wl,@link.rsp",)])
def test_files_in_a_response_file_are_found(tmp_path: Path, options: tuple[str, ...]) -> None:
    write(tmp_path, {"link.rsp": '"/DEF:a b.def"\n-lz', "a b.def": ""})
    assert list(named_files(options, tmp_path)) == ["link.rsp", "a b.def"]


def test_response_files_are_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "link.rsp": "a.o 'b c.o'\n@sub/more.rsp\n",
            "sub/more.rsp": "-Wl,--version-script=exports.map @link.rsp",
            "exports.map": "",
            "a.o": "",
            "b c.o": "",
            "unbalanced.rsp": "a.o 'b",
        },
    )
    assert list(named_files(("@link.rsp",), tmp_path)) == [
        *("link.rsp", "a.o", "b c.o", "sub/more.rsp", "exports.map")
    ]
    assert list(named_files(("-Wl,@unbalanced.rsp",), tmp_path)) == ["unbalanced.rsp", "a.o"]
    assert list(named_files(("@missing.rsp",), tmp_path)) == []


@pytest.mark.parametrize(
    ("system", "text", "words"),
    [
        ("posix", r"a\ b 'c d' # e", ["a b", "c d", "#", "e"]),
        ("nt", r'sub\a.def "c d\e"', [r"sub\a.def", r"c d\e"]),
        ("posix", "it's a.o", ["it's", "a.o"]),
        ("posix", "", []),
    ],
)
def test_a_response_file_is_split_into_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, text: str, words: list[str]
) -> None:
    file = tmp_path / "link.rsp"
    write(tmp_path, {file.name: text})
    monkeypatch.setattr(os, "name", system)
    found = words_of(file)
    monkeypatch.undo()
    assert found == words


def test_response_files_are_replaced_with_their_arguments(tmp_path: Path) -> None:
    write(tmp_path, {"a.rsp": "-x @b.rsp", "b.rsp": "-y"})
    assert list(expanded(("-w", "@a.rsp", "@missing"), tmp_path)) == ["-w", "-x", "-y", "@missing"]
