# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast

from setuptools_tvm_ffi.stubs.kept_docs import definitions, doc_of, types_of, without_docs

STUB = '''
class _Node:
    @staticmethod
    def make() -> int:
        """A method, which is no function of the module."""

class _Functions:
    @staticmethod
    def plain(a: int, b: str, /) -> float: ...

    @overload
    @staticmethod
    def many(x: int, /) -> int:
        """Overloaded."""

    @overload
    @staticmethod
    def many(x: str, /) -> str: ...

class Node(_Node):
    make = _Node.make

plain = _Functions.plain
many = _Functions.many
'''


def test_all_definitions_of_functions_are_found() -> None:
    found = definitions(STUB)
    assert {name: len(nodes) for name, nodes in found.items()} == {"plain": 1, "many": 2}
    assert doc_of(found["plain"]) is None
    assert doc_of(found["many"]) == "Overloaded."
    assert types_of(found["plain"]) == [["int", "str", "float"]]
    assert types_of(found["many"]) == [["int", "int"], ["str", "str"]]


def test_names_kinds_and_defaults_of_parameters_are_no_types() -> None:
    (first,) = ast.parse("def f(_0: int, _1: str, /) -> None: ...").body
    (second,) = ast.parse("def f(number: int, *, text: str = 'a') -> None: ...").body
    assert isinstance(first, ast.FunctionDef)
    assert isinstance(second, ast.FunctionDef)
    assert types_of([first]) == types_of([second])


def test_a_file_that_does_not_compile_has_no_definitions() -> None:
    assert definitions("def f(:") == {}


def test_docs_of_new_functions_and_of_functions_with_new_types_are_unknown() -> None:
    assert without_docs(STUB, STUB) == []
    assert without_docs(STUB, "") == ["plain", "many"]
    assert without_docs(STUB, STUB.replace("b: str", "b: bytes")) == ["plain"]
