# SPDX-License-Identifier: Apache-2.0
"""Evaluates generator expressions of CMake, such as ``$<$<CONFIG:Debug>:-O0>``.

https://cmake.org/cmake/help/latest/manual/cmake-generator-expressions.7.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_FALSE = {"", "0", "OFF", "NO", "FALSE", "N", "IGNORE", "NOTFOUND"}
_LANGUAGES = {"c": "C", "cxx": "CXX", "cuda": "CUDA", "hip": "HIP", "asm": "ASM"}
_SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}
_COMPILERS = {"linux": {"GNU", "Clang"}, "darwin": {"AppleClang"}, "win32": {"MSVC"}}


class UnknownExpressionError(Exception):
    """An expression cannot be evaluated without CMake. The argument is the expression."""


def is_false(value: str) -> bool:
    """Return whether CMake treats a value as false."""
    return value.upper() in _FALSE or value.upper().endswith("-NOTFOUND")


@dataclass(frozen=True)
class Evaluator:
    """Evaluates the expressions of a target.

    :param system: returns the value of ``sys_platform``.
    :param language: the language that sources are compiled in.
    """

    build_type: str
    system: Callable[[], str]
    language: str = ""

    def evaluate(self, text: str) -> str:
        """Return a text with all expressions replaced.

        >>> Evaluator("Release", lambda: "linux", "cxx").evaluate("-a$<$<COMPILE_LANGUAGE:CXX>:b>")
        '-ab'

        :raises UnknownExpressionError: only CMake knows the value of an expression.
        """
        result, rest = self._until(text, "")
        return result + rest

    def _until(self, text: str, end: str) -> tuple[str, str]:
        """Evaluate up to a character at the same depth. Return the value and the rest."""
        result = ""
        while text and (not end or text[0] not in end):
            if text.startswith("$<"):
                value, text = self._expression(text)
                result += value
            else:
                result, text = result + text[0], text[1:]
        return result, text

    def _expression(self, text: str) -> tuple[str, str]:
        name, rest = self._until(text[2:], ":>")
        if name in {"0", "INSTALL_INTERFACE"}:
            return "", self._skipped(text)
        arguments = []
        while rest and rest[0] != ">":
            # Only these expressions separate their arguments with commas.
            listed = name not in {"1", "BUILD_INTERFACE", "LINK_ONLY"}
            value, rest = self._until(rest[1:], ",>" if listed else ">")
            arguments.append(value)
        try:
            return self._value(name, arguments), rest[1:]
        except (LookupError, TypeError, ValueError):
            raise UnknownExpressionError(text[: len(text) - len(rest) + 1]) from None

    @staticmethod
    def _skipped(text: str) -> str:
        depth = 0
        for index in range(len(text)):
            depth += text.startswith("$<", index)
            depth -= text[index] == ">"
            if depth == 0 and index:
                return text[index + 1 :]
        return ""

    def _value(self, name: str, arguments: list[str]) -> str:
        if name in {"1", "BUILD_INTERFACE", "LINK_ONLY"}:
            return arguments[0]
        if name in {"SEMICOLON", "COMMA", "ANGLE-R"}:
            return {"SEMICOLON": ";", "COMMA": ",", "ANGLE-R": ">"}[name]
        if name == "IF":
            condition, yes, no = arguments
            return yes if condition == "1" else no
        if name == "CONFIG" and not arguments:
            return self.build_type
        return str(int(self._holds(name, arguments)))

    def _holds(self, name: str, arguments: list[str]) -> bool:
        if name == "BOOL":
            return not is_false("".join(arguments))
        if name == "NOT":
            return arguments[0] == "0"
        if name == "AND":
            return all(one == "1" for one in arguments)
        if name == "OR":
            return "1" in arguments
        if name == "STREQUAL":
            return arguments[0] == arguments[1]
        if name == "CONFIG":
            return self.build_type.lower() in map(str.lower, arguments)
        if name == "PLATFORM_ID":
            return _SYSTEMS[self.system()] in arguments
        if name == "COMPILE_LANGUAGE":
            return _LANGUAGES[self.language] in arguments
        if name == "COMPILE_LANG_AND_ID":
            return _LANGUAGES[self.language] == arguments[0] and self._compiler(arguments[1:])
        if name in {"C_COMPILER_ID", "CXX_COMPILER_ID"}:
            return self._compiler(arguments)
        if name == "CUDA_COMPILER_ID":
            return "NVIDIA" in arguments
        raise LookupError(name)

    def _compiler(self, names: list[str]) -> bool:
        if self.language == "cuda":
            return "NVIDIA" in names
        possible = _COMPILERS[self.system()]
        if possible <= set(names):
            return True
        if possible & set(names):
            raise LookupError(names)  # it depends on the compiler of Linux
        return False
