# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import builtins
import inspect
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from setuptools_tvm_ffi.ffi.type_schema import Schema
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.stubs.call_signatures import find_signatures
from setuptools_tvm_ffi.stubs.keyword_wrappers import committed_docs, wrappers
from setuptools_tvm_ffi.stubs.names import find_problems
from setuptools_tvm_ffi.stubs.places import Places
from setuptools_tvm_ffi.stubs.registry import Function, ObjectType, Registry

API, SUB = PurePosixPath("pkg/_ffi_api.py"), PurePosixPath("pkg/sub/_ffi_api.py")
NOWHERE = Places()
#: The docstring contains what Python source must escape.
DOC = 'clamp(x, lower=0.0, *, upper="a")\n\nLimit """x""" \\ \x0c.\n\n    Deeper.'


def function(name: str, doc: str | None, *types: str, static: bool = True) -> Function:
    schema = Schema("ffi.Function", result=Schema("int"), parameters=tuple(map(Schema, types)))
    return Function(name, schema, doc, static=static)


def registry(*more: Function) -> Registry:
    functions = (
        function("pkg.clamp", DOC, "Any", "Any", "Any"),
        function("pkg.mixed", "mixed(x, /, y=2)", "int", "int"),
        function("pkg.plain", "Text.", "int"),
        function("pkg.same", "same(x, /, _x=1)", "int", "int"),
        function("pkg.sub.other", "other(x)", "int"),
        *more,
    )
    methods = (
        function("grow", "grow(by, /, times=1)", "pkg.Box", "int", "int", static=False),
        function("make", "make(size=7)", "int"),
        function("missing", "missing(x)", "pkg.Box", "int", static=False),
        function("__ffi_init__", "Box(size=3)", "int"),
    )
    box = ObjectType("pkg.Box", None, None, constructor=True, fields=(), methods=methods)
    return Registry(
        functions={f.name: f for f in functions},
        types={"pkg.Box": box},
        symbols={"scale": function("scale", "scale(x, y=1)", "int", "int")},
        parents={},
        python_classes={},
        module_attributes=frozenset(),
        makes_constructors=True,
    )


def code(found: Registry) -> dict[PurePosixPath, str]:
    settings = ExtensionSettings("pkg.core", ("a.cc",))
    return wrappers(found, "pkg.", find_signatures(settings, found, (), NOWHERE), NOWHERE)


def positional(*arguments: Any) -> tuple[Any, ...]:
    return arguments


class Box:
    """A class as tvm_ffi makes it."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def grow(self, *_: Any) -> tuple[Any, ...]:
        raise AssertionError("calls use the registered function")

    make = staticmethod(positional)

    __tvm_ffi_type_info__ = SimpleNamespace(
        methods=[
            SimpleNamespace(name="grow", func=lambda _, *arguments: arguments),
            SimpleNamespace(name="make", func=positional),
        ]
    )


def run(module: Any) -> None:
    """Run the additional code of the registry in a module with positional functions."""
    module.clamp = module.mixed = module.plain = module.same = positional
    module.LIB = ModuleType("LIB")
    module.LIB.scale = positional
    module.Box = type("Box", (), dict(vars(Box)))
    exec(code(registry())[API], vars(module))


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A generated module with the additional code."""
    made: Any = ModuleType("pkg_with_keywords")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    run(made)
    return made


def test_functions_take_keywords_and_defaults(module: Any) -> None:
    assert module.clamp(1) == (1, 0.0, "a")
    assert module.clamp(lower=2, x=1, upper=3) == (1, 2, 3)
    assert module.mixed(1) == (1, 2)
    assert module.same(1, _x=2) == (1, 2)
    assert module.LIB.scale(y=3, x=2) == (2, 3)
    assert module.Box(size=4).arguments == (4,)
    assert module.Box().grow(2) == module.Box().grow(2, times=1) == (2, 1)
    assert module.Box.make() == module.Box().make(size=7) == (7,)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("clamp", "clamp()"),
        ("clamp", "clamp(1, 2, 3)"),
        ("clamp", "clamp(1, z=2)"),
        ("mixed", "mixed(x=1)"),
        ("grow", "Box().grow(by=1)"),
    ],
)
def test_wrong_calls_are_rejected(name: str, call: str, module: Any) -> None:
    with pytest.raises(TypeError) as error:
        eval(call, vars(module))
    assert name in str(error.value)


def test_functions_have_the_signature_the_docstring_and_the_names(module: Any) -> None:
    assert str(inspect.signature(module.clamp)) == "(x, lower=0.0, *, upper='a')"
    assert str(inspect.signature(module.mixed)) == "(x, /, y=2)"
    assert str(inspect.signature(module.same)) == "(x, /, _x=1)"
    assert str(inspect.signature(module.Box.grow)) == "(self, by, /, times=1)"
    assert str(inspect.signature(module.Box)) == "(size=3)"
    assert str(inspect.signature(module.Box.make)) == "(size=7)"
    assert module.clamp.__doc__ == inspect.cleandoc(DOC)
    names = [module.clamp, module.Box.grow, module.Box.make, module.Box.__init__, module.LIB.scale]
    assert [f.__qualname__ for f in names] == [
        *("clamp", "Box.grow", "Box.make", "Box.__init__", "scale")
    ]
    assert {f.__module__ for f in names} == {module.__name__}
    assert module.clamp.__wrapped__ is positional
    assert module.Box.grow.__wrapped__ is Box.grow


def test_other_functions_are_unchanged(module: Any) -> None:
    assert module.plain is positional
    assert not hasattr(module.Box, "missing")


def test_defaults_cost_no_time_in_calls(module: Any) -> None:
    """Python sets the defaults. The body of the wrapper only calls the function."""
    assert module.clamp.__defaults__ == (0.0,)
    assert module.clamp.__kwdefaults__ == {"upper": "a"}
    assert len(module.clamp.__code__.co_names) == 1


def test_the_code_leaves_no_names_in_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    made: Any = ModuleType("pkg_with_keywords")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    run(made)
    own = {"clamp", "mixed", "plain", "same", "LIB", "Box", "__builtins__"}
    assert set(vars(made)) - set(vars(ModuleType(""))) == own
    assigned = ast.parse(code(registry())[API]).body[:-1]
    names = {node.name for node in assigned if isinstance(node, ast.FunctionDef)}
    # A library cannot register functions with the names that the code uses.
    found = registry(*(function(f"pkg.{name}", None) for name in names))
    problems = find_problems(found, "pkg.", (), makes_packages=True)
    refused = {problem.name for problem in problems if not problem.instead}
    assert refused == {f"pkg.{name}" for name in names}


def test_functions_with_the_names_of_builtins_are_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: Any = ModuleType("pkg_with_keywords")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    hidden = [name for name in dir(builtins) if name.islower() and not name.startswith("_")]
    for name in (*hidden, "sys", "inspect"):
        setattr(made, name, None)
    run(made)
    assert made.clamp(1, lower=2) == (1, 2, "a")
    assert made.Box.make() == (7,)


def test_each_module_gets_its_functions() -> None:
    made = code(registry())
    assert set(made) == {API, SUB}
    assert '"other")' in made[SUB]
    assert '"other")' not in made[API]


def test_a_module_without_signatures_gets_no_code() -> None:
    made = code(registry(function("pkg.more.f", None, "int")))
    assert [line[0] for line in made[PurePosixPath("pkg/more/_ffi_api.py")].splitlines()] == ["#"]


# --- docstrings in the source tree --------------------------------------------------------------


def committed(found: Registry) -> dict[PurePosixPath, bytes]:
    return {path: f"x = 1\r\n{text}".encode() for path, text in code(found).items()}


def test_docstrings_are_read_back_from_the_code() -> None:
    docs, stale = committed_docs(registry(), NOWHERE, committed(registry()))
    assert stale == []
    assert set(docs) == {"pkg.clamp", "pkg.mixed", "pkg.same", "pkg.sub.other"}
    assert docs["pkg.clamp"] == inspect.cleandoc(DOC)


def test_the_digest_of_types_is_the_same_in_every_release_of_the_plugin() -> None:
    assert code(registry())[SUB].splitlines()[0].endswith(": 078e366712522195")


@pytest.mark.parametrize(
    "more",
    [
        function("pkg.new", None, "int"),
        function("pkg.clamp", DOC, "Any", "Any"),
    ],
)
def test_a_module_with_functions_of_other_types_is_stale(more: Function) -> None:
    assert committed_docs(registry(more), NOWHERE, committed(registry()))[1] == [API]
    assert committed_docs(registry(), NOWHERE, {})[1] == [API, SUB]
