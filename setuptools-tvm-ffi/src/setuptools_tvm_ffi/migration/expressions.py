# SPDX-License-Identifier: Apache-2.0
"""Evaluates generator expressions, such as ``$<CONFIG:Debug>``, and the conditions of ``if``.

The result of an evaluation is None if only CMake knows the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from .cmake_language import Argument, Lookup, items_of

#: The variables that CMake sets on each system. The keys are values of `sys_platform`.
SYSTEMS = {
    "linux": {"CMAKE_SYSTEM_NAME": "Linux", "UNIX": "1", "LINUX": "1", "CMAKE_DL_LIBS": "dl"},
    "darwin": {"CMAKE_SYSTEM_NAME": "Darwin", "UNIX": "1", "APPLE": "1"},
    "win32": {"CMAKE_SYSTEM_NAME": "Windows", "WIN32": "1", "MSVC": "1"},
}
# The compilers that the plugin uses. On Linux, the compiler can be GCC or Clang.
_COMPILERS = {"linux": ("GNU", "Clang"), "darwin": ("AppleClang",), "win32": ("MSVC",)}
_COMPILER_IDS = {"CMAKE_C_COMPILER_ID", "CMAKE_CXX_COMPILER_ID"}
_LANGUAGES = {"c": "C", "cxx": "CXX", "cuda": "CUDA", "hip": "HIP", "asm": "ASM"}
_TRUE = {"1", "ON", "YES", "TRUE", "Y"}
_FALSE = {"", "0", "OFF", "NO", "FALSE", "N", "IGNORE", "NOTFOUND"}
_COMPARISON = re.compile(r"(VERSION_|STR)?(LESS|GREATER|EQUAL)\w*|MATCHES|IN_LIST")


def is_false(value: str) -> bool:
    """Return whether CMake treats a value as false."""
    return value.upper() in _FALSE or value.upper().endswith("-NOTFOUND")


def is_unknown(value: str) -> bool:
    """Return whether a value contains something that only CMake knows."""
    return re.search(r"\$(ENV)?\{|\$<", value) is not None


def _decided(values: Sequence[bool | None], *, decisive: bool) -> bool | None:
    """Return the value of an ``AND`` or ``OR`` with these operands.

    :param decisive: False for ``AND``, and True for ``OR``. If any operand has this value, the
        result is this value.
    """
    if decisive in values:
        return decisive
    return None if None in values else not decisive


# --- generator expressions


def without_expressions(text: str, build_type: str, system: str, language: str) -> str:
    """Evaluate the generator expressions in a text, the innermost first.

    If only CMake knows the value of an expression, the expression remains in the text.

    :param language: the language of the sources to compile.

    >>> text = "-a$<$<COMPILE_LANGUAGE:CXX>:b>$<TARGET_FILE:c>"
    >>> without_expressions(text, "Release", "linux", "cxx")
    '-ab$<TARGET_FILE:c>'
    """

    def value(match: re.Match[str]) -> str:
        found = _expression(match[1], build_type, system, language)
        return f"\1{match[1]}\2" if found is None else found

    while True:
        new = re.sub(r"\$<([^<>]*)>", value, text)
        if new == text:
            return text.replace("\1", "$<").replace("\2", ">")
        text = new


def _expression(text: str, build_type: str, system: str, language: str) -> str | None:
    name, _, content = text.partition(":")
    if name in {"1", "BUILD_INTERFACE", "LINK_ONLY"}:
        return content
    if name in {"0", "INSTALL_INTERFACE"}:
        return ""
    if text == "CONFIG":
        return build_type
    first, *others = content.split(",")
    truths = [{"1": True, "0": False}.get(one) for one in (first, *others)]
    if name == "IF" and truths[0] is not None:
        return ",".join(others[:1] if truths[0] else others[1:])
    compilers = ("NVIDIA",) if language == "cuda" else _COMPILERS[system]
    is_compiler = _same([one in (first, *others) for one in compilers])
    is_language = _LANGUAGES[language] == first
    holds = {
        "AND": _decided(truths, decisive=False),
        "OR": _decided(truths, decisive=True),
        "NOT": None if truths[0] is None else not truths[0],
        "BOOL": None if "\1" in content else not is_false(content),
        "STREQUAL": None if "\1" in content else [first] == others,
        "CONFIG": build_type.lower() in content.lower().split(","),
        "PLATFORM_ID": SYSTEMS[system]["CMAKE_SYSTEM_NAME"] in (first, *others),
        "COMPILE_LANGUAGE": is_language or _LANGUAGES[language] in others,
        "COMPILE_LANG_AND_ID": is_compiler if is_language else False,
        **dict.fromkeys(("C_COMPILER_ID", "CXX_COMPILER_ID"), is_compiler),
    }.get(name)
    return None if holds is None else str(int(holds))


def _same(results: Sequence[bool]) -> bool | None:
    """Return the value that all results have, or None if the results differ."""
    return results[0] if len(set(results)) == 1 else None


# --- conditions


@dataclass
class Condition:
    """Parser and evaluator of the arguments of an ``if``.

    :param variables: the names of the variables that are defined.
    :param targets: the names of the targets.
    """

    tokens: list[Argument]
    lookup: Lookup
    variables: Container[str]
    targets: Container[str]
    system: str

    def value(self) -> bool | None:
        """Return whether the condition is true, or None if only CMake knows this."""
        return self._joined("OR", lambda: self._joined("AND", self._negation))

    def _joined(self, word: str, part: Callable[[], bool | None]) -> bool | None:
        values = [part()]
        while self._take(word):
            values.append(part())
        return _decided(values, decisive=word == "OR")

    def _negation(self) -> bool | None:
        if self._take("NOT"):
            value = self._negation()
            return None if value is None else not value
        if self._take("("):
            value = self.value()
            self._take(")")
            return value
        return self._test()

    def _take(self, word: str) -> bool:
        if self.tokens and self.tokens[0].text == word and self.tokens[0].kind != "quoted":
            del self.tokens[0]
            return True
        return False

    def _test(self) -> bool | None:
        if not self.tokens:
            return False  # The operand was a reference to a variable whose value is empty.
        first = self.tokens.pop(0)
        if len(self.tokens) > 1 and _COMPARISON.fullmatch(self.tokens[0].text):
            comparison, right = self.tokens.pop(0).text, self._operand(self.tokens.pop(0))
            return self._compare(first, comparison, right)
        if self.tokens and self.tokens[0].text not in {"AND", "OR", ")"}:
            operand = self.tokens.pop(0).text
            if first.text == "DEFINED" and self.lookup(operand) is not None:
                return operand in self.variables
            is_target = operand in self.targets or operand.startswith("tvm_ffi::")
            return is_target if first.text == "TARGET" else None
        return self._truth(first)

    def _truth(self, token: Argument) -> bool | None:
        if is_unknown(token.text):
            return None
        if token.text.upper() in _TRUE or re.fullmatch(r"-?\d+(\.\d+)?", token.text):
            return not is_false(token.text)
        if token.kind != "unquoted" or is_false(token.text):
            return False
        value = self.lookup(token.text)
        return None if value is None or is_unknown(value) else not is_false(value)

    def _operand(self, token: Argument) -> str | None:
        text: str | None = self.lookup(token.text) if token.kind == "unquoted" else token.text
        if text == "" and token.text not in self.variables:
            text = token.text
        return None if text is None or is_unknown(text) else text

    def _compare(self, first: Argument, comparison: str, right: str | None) -> bool | None:
        left = self._operand(first)
        lefts = _COMPILERS[self.system] if first.text.strip("${}") in _COMPILER_IDS else (left,)
        if right is None or None in lefts:
            return None
        if comparison == "MATCHES":
            return _same([re.search(right, one or "") is not None for one in lefts])
        if comparison in {"STREQUAL", "EQUAL", "VERSION_EQUAL"}:
            return _same([one == right for one in lefts])
        return left in items_of(right) if comparison == "IN_LIST" else None
