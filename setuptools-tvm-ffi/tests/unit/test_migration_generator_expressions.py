# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from setuptools_tvm_ffi.migration.generator_expressions import (
    Evaluator,
    UnknownExpressionError,
    is_false,
)


def evaluate(text: str, system: str = "linux", language: str = "cxx") -> str:
    return Evaluator("Release", lambda: system, language).evaluate(text)


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
        ("$<BUILD_INTERFACE:/a:b,c>", "/a:b,c"),
        ("a$<INSTALL_INTERFACE:$<1:include>>b", "ab"),
        ("$<$<PLATFORM_ID:Linux,Darwin>:x>", "x"),
        ("$<$<CXX_COMPILER_ID:GNU,Clang>:x>$<$<CXX_COMPILER_ID:MSVC>:y>", "x"),
        ("$<0:$<TARGET_FILE:a>>", ""),
    ],
)
def test_an_expression_is_evaluated(text: str, expected: str) -> None:
    assert evaluate(text) == expected


def test_the_value_depends_on_the_platform_and_the_language() -> None:
    assert evaluate("$<$<CXX_COMPILER_ID:MSVC>:/W4>", "win32") == "/W4"
    cuda_only = "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:x>"
    assert evaluate(cuda_only, language="cuda") == "x"
    assert evaluate(cuda_only) == ""


@pytest.mark.parametrize(
    "text",
    ["$<IF:1>", "$<TARGET_FILE:a>", "$<$<CXX_COMPILER_ID:GNU>:x>", "$<$<BOOL:$<GENEX_EVAL:y>>:x>"],
)
def test_an_expression_that_only_cmake_knows_is_rejected(text: str) -> None:
    with pytest.raises(UnknownExpressionError):
        evaluate(text)


@pytest.mark.parametrize("value", ["", "0", "off", "No", "A-NOTFOUND", "IGNORE"])
def test_false_values(value: str) -> None:
    assert is_false(value)
    assert not is_false("1")
