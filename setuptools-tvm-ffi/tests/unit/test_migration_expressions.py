# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from setuptools_tvm_ffi.migration.cmake_language import expand, parse
from setuptools_tvm_ffi.migration.expressions import (
    Condition,
    is_false,
    is_unknown,
    without_expressions,
)

VARIABLES = {"SET": "ON", "EMPTY": "", "LIST": "a;b", "OFF_VALUE": "OFF", "NAME": "value"}


def evaluated(text: str, system: str = "linux", language: str = "cxx") -> str:
    return without_expressions(text, "Release", system, language)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain,a:b>", "plain,a:b>"),
        ("$<$<CONFIG:Debug>:-O0>-g", "-g"),
        ("$<$<CONFIG:debug,release>:-O3>", "-O3"),
        ("$<CONFIG>", "Release"),
        ("$<$<NOT:$<CONFIG:Release>>:a>", ""),
        ("$<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX,C>>:a,b;c>", "a,b;c"),
        ("$<$<OR:0,$<BOOL:no>>:a>", ""),
        ("$<IF:$<STREQUAL:a,a>,x,y>", "x"),
        ("$<IF:$<BOOL:>,x,y>", "y"),
        ("$<BUILD_INTERFACE:/a:b,c>", "/a:b,c"),
        ("a$<INSTALL_INTERFACE:$<1:include>>b", "ab"),
        ("$<$<PLATFORM_ID:Linux,Darwin>:x>", "x"),
        ("$<$<CXX_COMPILER_ID:GNU,Clang>:x>$<$<CXX_COMPILER_ID:MSVC>:y>", "x"),
        ("$<0:$<TARGET_FILE:a>>", ""),
        ("$<$<AND:0,$<TARGET_EXISTS:a>>:x>", ""),
    ],
)
def test_a_generator_expression_is_evaluated(text: str, expected: str) -> None:
    assert evaluated(text) == expected


def test_the_value_depends_on_the_system_and_the_language() -> None:
    assert evaluated("$<$<CXX_COMPILER_ID:MSVC>:/W4>", "win32") == "/W4"
    cuda_only = "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:x>"
    assert evaluated(cuda_only, language="cuda") == "x"
    assert evaluated(cuda_only) == ""


@pytest.mark.parametrize(
    "text",
    [
        *["$<TARGET_FILE:a>", "$<$<CXX_COMPILER_ID:GNU>:x>", "$<$<BOOL:$<GENEX_EVAL:y>>:x>"],
        *["$<$<NOT:$<TARGET_EXISTS:a>>:x>", "$<IF:$<TARGET_EXISTS:a>,x,y>", "$<UPPER_CASE:a>"],
    ],
)
def test_an_expression_that_only_cmake_knows_remains(text: str) -> None:
    assert evaluated(text) == text
    assert is_unknown(text)


@pytest.mark.parametrize("value", ["", "0", "off", "No", "A-NOTFOUND", "IGNORE"])
def test_false_values(value: str) -> None:
    assert is_false(value)
    assert not is_false("1")


def holds(condition: str, system: str = "linux") -> bool | None:
    """Return the value of a condition in which only CMake knows variables that start with X."""
    (command,) = parse(f"if({condition})\nendif()", "CMakeLists.txt")

    def lookup(name: str) -> str | None:
        return None if name.startswith(("X", "CMAKE_")) else VARIABLES.get(name, "")

    tokens = expand(command.arguments, lookup)
    return Condition(tokens, lookup, VARIABLES, {"target"}, system).value()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("SET", True),
        ("NOT SET", False),
        ("UNDEFINED", False),
        ("OFF_VALUE OR EMPTY", False),
        ("NOT DEFINED UNDEFINED AND DEFINED EMPTY", True),
        ("OFF OR (ON AND NOT 0)", True),
        ("${UNDEFINED}", False),
        ('"${UNDEFINED}"', False),
        ("NAME STREQUAL value", True),
        ('"${NAME}" STREQUAL "VALUE"', False),
        ('EMPTY STREQUAL ""', True),
        ("8 EQUAL 8", True),
        ("NAME MATCHES ^v", True),
        ("b IN_LIST LIST AND NOT c IN_LIST LIST", True),
        ("TARGET target AND NOT TARGET other", True),
        ("TARGET tvm_ffi::header", True),
        ("OFF AND XUNKNOWN", False),
        ("ON OR XUNKNOWN", True),
        # Only CMake knows these.
        ("XUNKNOWN", None),
        ("NOT XUNKNOWN OR OFF", None),
        ("XUNKNOWN AND ON", None),
        ("${XUNKNOWN}", None),
        ("DEFINED XUNKNOWN", None),
        ("NAME STREQUAL XUNKNOWN", None),
        ("3.1 VERSION_LESS 3.27", None),
        ("EXISTS /path AND ON", None),
        ("COMMAND set OR OFF", None),
    ],
)
def test_conditions(condition: str, expected: bool | None) -> None:  # noqa: FBT001
    assert holds(condition) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang"', [True, True, False]),
        ('"${CMAKE_CXX_COMPILER_ID}" STREQUAL "MSVC"', [False, False, True]),
        ("CMAKE_CXX_COMPILER_ID STREQUAL GNU", [None, False, False]),
    ],
)
def test_conditions_on_the_compiler(condition: str, expected: list[bool | None]) -> None:
    assert [holds(condition, system) for system in ("linux", "darwin", "win32")] == expected
