# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from setuptools_tvm_ffi.project.source_scan import HeaderName, SourceFacts, scan


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('#include "a.h"', HeaderName("a.h", quoted=True)),
        ("#include <sub/a.h>", HeaderName("sub/a.h", quoted=False)),
        ('  #\tinclude"a.h" // why', HeaderName("a.h", quoted=True)),
        ("#import <a.h>", HeaderName("a.h", quoted=False)),
        ('#embed "data.bin" limit(3)', HeaderName("data.bin", quoted=True)),
        ("#include_next <a.h>", HeaderName("a.h", quoted=False, next=True)),
        ("# include_next <a.h>", HeaderName("a.h", quoted=False, next=True)),
        ('#if __has_include("a.h")', HeaderName("a.h", quoted=True, question=True)),
        ("#if X && __has_include ( <a b.h> )", HeaderName("a b.h", quoted=False, question=True)),
        ("#elif __has_embed(<a>)", HeaderName("a", quoted=False, question=True)),
        ("#if _CCCL_HAS_INCLUDE(<nv/t>)", HeaderName("nv/t", quoted=False, question=True)),
        ('#if HAVE("a.h") && X', HeaderName("a.h", quoted=True, question=True)),
        ("# elif defined(HAVE) && HAVE (<a.h>)", HeaderName("a.h", quoted=False, question=True)),
        ('#if __has_include(/* why */ "a.h")', HeaderName("a.h", quoted=True, question=True)),
        (
            "#if __has_include_next(<a.h>)",
            HeaderName("a.h", quoted=False, next=True, question=True),
        ),
        ('#include \\\n"a.h"', HeaderName("a.h", quoted=True)),
        ("#if __has_include( \\\r\n <a.h>)", HeaderName("a.h", quoted=False, question=True)),
        ('#include "ünïcode.h"\r', HeaderName("ünïcode.h", quoted=True)),
    ],
)
def test_names_of_headers_are_found(line: str, expected: HeaderName) -> None:
    facts = scan(f"int a;\n{line}\nint b;\n".encode())
    assert facts == SourceFacts((expected,))


@pytest.mark.parametrize(
    "text", ["", "int a;", '// see #include "a.h"', "#include", "#define H a.h", 'f("a.h");']
)
def test_other_lines_have_no_names(text: str) -> None:
    assert scan(text.encode()).names == ()


def test_each_name_is_returned_once_in_order() -> None:
    facts = scan(b'#include <b>\n#include "a"\n#include <b>\n#if __has_include(<b>)\n')
    assert [(name.name, name.question) for name in facts.names] == [
        *(("b", False), ("a", False), ("b", True))
    ]


def test_a_name_that_is_not_utf_8_is_kept() -> None:
    (name,) = scan(b'#include "\xff.h"\n').names
    assert name.name.encode("utf-8", "surrogateescape") == b"\xff.h"


@pytest.mark.parametrize(
    ("text", "macros"),
    [
        ('#define TABLE "table.inc"\n#include TABLE', ("table.inc",)),
        ("# define\tTABLE <sub/table.inc> // why", ("sub/table.inc",)),
        ('#define TABLE \\\n "table.inc"', ("table.inc",)),
        ("#define TABLE table.inc", ()),
        ('#define TABLE(x) "table.inc"', ()),
        ("#define LESS a < b >", ()),
    ],
)
def test_values_of_macros_that_can_be_names_are_found(text: str, macros: tuple[str, ...]) -> None:
    facts = scan(text.encode())
    assert facts.macros == macros
    assert facts.names == ()


@pytest.mark.parametrize(
    ("text", "computed"),
    [
        ("#if __has_include(HEADER)", True),
        ("#if defined(X) && __has_include( _HEADER )", True),
        ("#if __has_embed(DATA)", True),
        ("#define HAS(x) __has_include(x)", False),
        ("#define HAS(x) \\\n __has_include(x)", False),
        ("#ifdef __has_include", False),
        ("#if __has_include(<a.h>)", False),
    ],
)
def test_an_include_check_of_a_computed_name_is_detected(text: str, *, computed: bool) -> None:
    assert scan(text.encode()).computed == computed


@pytest.mark.parametrize(
    "text",
    [
        'asm(".incbin \\"a b.bin\\"\\n");',
        '#define FILE "a b.bin"\nasm(".incbin \\"" FILE "\\"");',
        'INCBIN(Name, "a b.bin");',
        '.incbin "a b.bin"',
    ],
)
def test_names_of_data_files_are_found(text: str) -> None:
    assert "a b.bin" in scan(text.encode()).data
    assert scan(text.replace("incbin", "other").replace("INCBIN", "").encode()).data == ()


@pytest.mark.parametrize(
    "text",
    [
        '.macro EMBED name, file\n.incbin "\\file"\n.endm\nEMBED x, c/d.bin',
        '#define FILE c/d.bin\nasm(".incbin \\"" STRING(FILE) "\\"")',
    ],
)
def test_a_data_file_without_quotes_is_found(text: str) -> None:
    assert "c/d.bin" in scan(text.encode()).data


def test_a_macro_can_name_the_folder_of_a_data_file() -> None:
    text = '#define FOLDER "csrc/"\nasm(".incbin \\"" FOLDER "b.bin\\"");'
    assert "csrc/b.bin" in scan(text.encode()).data


def test_data_has_no_facts() -> None:
    assert scan(b'#include "a.h"\n__DATE__\0') == SourceFacts()


def test_a_file_that_assembly_includes_is_found() -> None:
    assert "a b.inc" in scan(b'start:\n\t.include "a b.inc"\n').data
    assert scan(b'x.include("a b.inc");').data == ()


def test_a_header_is_not_a_data_file() -> None:
    assert scan(b'#include "a.h"\nasm(".incbin \\"b.bin\\"");').data == (
        *(".incbin ", "b.bin", ".incbin"),
    )


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("char *d = __DATE__;", True),
        ("char *d = __TIME__;", True),
        ('char *d = "built " __DATE__ "/*" __TIME__;', True),
        ("#define BUILT __DATE__", True),
        ("// __DATE__\n", False),
        ("/* __DATE__\n__TIME__ */ int a;", False),
        ("int a; // x\nchar *d = __DATE__;", True),
        ('char *u = "http://x"; char *d = __DATE__;', True),
        ('char *u = "/*"; char *d = __DATE__; /* */', True),
        ('char c = \'"\'; char *s = "/*"; char *d = __DATE__; /* */', True),
        ('auto r = R"(\n /* " )" __DATE__; /* */', True),
        ('auto r = R"x(\n )" // )x" __DATE__;', True),
        ("int my__DATE__;", False),
        ("int __DATE__S;", False),
        ("", False),
    ],
)
def test_a_date_is_detected_in_code(text: str, *, date: bool) -> None:
    facts = scan(text.encode())
    assert (facts.date, facts.timestamp) == (date, False)


def test_a_timestamp_is_not_a_date() -> None:
    facts = scan(b"char *t = __TIMESTAMP__; // __DATE__\n")
    assert (facts.date, facts.timestamp) == (False, True)
