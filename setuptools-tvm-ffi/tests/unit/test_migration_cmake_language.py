# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.migration.cmake_language import Argument, expand, items_of, parse

VALUES = {"A": "a", "LIST": "x;y", "NAME": "LIST", "EMPTY": ""}


def values(text: str) -> list[str]:
    (command,) = parse(f"command({text})", "CMakeLists.txt")
    arguments = expand(
        command.arguments, lambda name: None if name == "HIDDEN" else VALUES.get(name, "")
    )
    return [argument.text for argument in arguments]


def test_a_command_has_its_name_in_lower_case_its_line_and_its_text() -> None:
    first, second = parse('Set(A\n  b)\n# set(C)\n#[==[ set(D)\n]] ]==]\nmessage("")', "x.cmake")
    assert (first.name, first.file, first.line) == ("set", "x.cmake", 1)
    assert first.arguments == (Argument("A"), Argument("b"))
    assert first.text == "Set(A b)"
    assert (second.name, second.line) == ("message", 6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b;c", ["a", "b", "c"]),
        ('"a b;c" ""', ["a b;c", ""]),
        ("[[a ${A}\\n]]", ["a ${A}\\n"]),
        ("[=[\na]]b]=]", ["a]]b"]),
        ("${LIST}.cc ${EMPTY}", ["x", "y.cc"]),
        ('"${LIST}.cc" "${EMPTY}"', ["x;y.cc", ""]),
        ("${${NAME}}", ["x", "y"]),
        (r'"\"\${A}\\"', ['"${A}\\']),
        ('"a\\\nb"', ["ab"]),
        (r"a\;b", ["a;b"]),
        ('-DX="a b"', ['-DX="a b"']),
        ("${HIDDEN}/a", ["${HIDDEN}/a"]),
        ("$<$<CONFIG:Debug>:-a;-b>", ["$<$<CONFIG:Debug>:-a;-b>"]),
        ("a # comment\n b", ["a", "b"]),
        ("(A) AND B", ["(", "A", ")", "AND", "B"]),
    ],
)
def test_arguments_expand_as_in_cmake(text: str, expected: list[str]) -> None:
    assert values(text) == expected


def test_a_block_contains_its_commands() -> None:
    text = "if(A)\nforeach(x y)\nif(B)\nendif()\nendforeach()\nelse()\nendif()\nset(C)"
    block, after = parse(text, "f")
    loop, other = block.body
    assert (after.name, other.name, loop.name) == ("set", "else", "foreach")
    assert [command.name for command in loop.body] == ["if"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        *[("set(A", 1), ("set(A b)\n)", 2), ("\nset A", 2), ('set("a)', 1), ("if((A)", 1)],
        *[("\nif(A)\nset(B c)", 2), ('"quoted"()', 1)],
    ],
)
def test_invalid_text_is_reported_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BuildError, match=rf"^CMakeLists.txt:{line}: "):
        parse(text, "CMakeLists.txt")


def test_escaped_semicolons_stay_in_items() -> None:
    assert items_of(r"a\;b;c") == ["a;b", "c"]
