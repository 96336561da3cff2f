# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.migration.cmake_language import (
    Argument,
    body_of,
    evaluate,
    expand,
    items_of,
    parse,
)

VALUES = {"A": "a", "LIST": "x;y", "NAME": "LIST", "EMPTY": ""}


def values(text: str) -> list[str]:
    (command,) = parse(f"command({text})", "CMakeLists.txt")
    return expand(
        command.arguments, lambda name: None if name == "HIDDEN" else VALUES.get(name, "")
    )


def test_a_command_has_its_name_in_lower_case_and_its_line() -> None:
    commands = parse('Set(A\n  b)\n# set(C)\n#[==[ set(D)\n]] ]==]\nmessage("")', "x.cmake")
    assert [(c.name, c.place) for c in commands] == [("set", "x.cmake:1"), ("message", "x.cmake:6")]
    assert commands[0].arguments == (Argument("A"), Argument("b"))


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
        (r"a\;b", ["a;b"]),
        ('-DX="a b"', ['-DX="a b"']),
        ("${HIDDEN}/a", ["${HIDDEN}/a"]),
        ("$<$<CONFIG:Debug>:-a;-b>", ["$<$<CONFIG:Debug>:-a;-b>"]),
        ("a # comment\n b", ["a", "b"]),
    ],
)
def test_arguments_expand_as_in_cmake(text: str, expected: list[str]) -> None:
    assert values(text) == expected


def test_parentheses_in_arguments_are_arguments() -> None:
    (command,) = parse("if((A) AND B)", "CMakeLists.txt")
    assert [argument.text for argument in command.arguments] == ["(", "A", ")", "AND", "B"]


def test_a_block_ends_at_its_own_end() -> None:
    commands = parse("if(A)\nforeach(x y)\nif(B)\nendif()\nendforeach()\nendif()\nset(C)", "f")
    assert body_of(commands, 0) == 5
    assert body_of(commands, 1) == 4


@pytest.mark.parametrize(
    ("text", "line"),
    [("set(A", 1), ("set(A b)\n)", 2), ("\nset A", 2), ('set("a)', 1), ("if(A)\nset(B c)", 1)],
)
def test_invalid_text_is_reported_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BuildError, match=rf"^CMakeLists.txt:{line}: "):
        body_of(parse(text, "CMakeLists.txt"), 0)


def test_a_line_continuation_joins_lines() -> None:
    assert evaluate(Argument("a\\\nb", "quoted"), VALUES.get) == "ab"


def test_escaped_semicolons_stay_in_items() -> None:
    assert items_of(r"a\;b;c") == ["a;b", "c"]
