# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
from pathlib import PurePosixPath
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.ffi.type_schema import Schema
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.stubs.call_signatures import find_signatures
from setuptools_tvm_ffi.stubs.places import Places
from setuptools_tvm_ffi.stubs.registry import Field, Function, ObjectType, Registry

SETTINGS = ExtensionSettings("pkg.core", ("a.cc",), call_signatures=True)
API = PurePosixPath("pkg/_ffi_api.py")
TYPES = {
    "text": Schema("ffi.String"),
    "maybe": Schema("Optional", (Schema("float"),)),
    "one_of": Schema("Variant", (Schema("int"), Schema("ffi.String"))),
    "numbers": Schema("ffi.Array", (Schema("float"),)),
}


def function(name: str, doc: str | None, *types: str, static: bool = True) -> Function:
    parameters = tuple(TYPES.get(name, Schema(name)) for name in types)
    schema = Schema("ffi.Function", result=Schema("int"), parameters=parameters)
    return Function(name, schema, doc, static=static)


def registry(
    *functions: Function, methods: tuple[Function, ...] = (), fields: tuple[str, ...] = ()
) -> Registry:
    made = [Field(n, Schema("int"), None, True, True, False, False, False) for n in fields]
    box = ObjectType(
        "pkg.Box", "ffi.Object", None, constructor=True, fields=tuple(made), methods=methods
    )
    return Registry(
        functions={f.name: f for f in functions if f.name.startswith("pkg.")},
        types={"pkg.Box": box},
        symbols={f.name: f for f in functions if not f.name.startswith("pkg.")},
        parents={"pkg.Box": "ffi.Object"},
        python_classes={},
        module_attributes=frozenset(),
        makes_constructors=True,
    )


def signatures(found: Registry, **options: Any) -> dict[str, str]:
    given: dict[str, Any] = {"left_out": (), "places": Places(), **options}
    return {f"{k} {n}": str(s) for (k, n), s in find_signatures(SETTINGS, found, **given).items()}


@pytest.mark.parametrize(
    ("line", "types", "signature"),
    [
        ("f(x)", ("int",), "(x)"),
        ("pkg.f(x).", ("int",), "(x)"),
        ("f(x: float = 1) -> int", ("float",), "(x=1)"),
        ("f(x, lower=0.0, *, upper=-1.5)", ("float",) * 3, "(x, lower=0.0, *, upper=-1.5)"),
        ("f(x, *, y)", ("int", "int"), "(x, *, y)"),
        ("f(x, /, y=2)", ("int", "int"), "(x, /, y=2)"),
        ("f(x=1, /)", ("int",), "(x=1, /)"),
        ("f(x=None, y=True)", ("maybe", "bool"), "(x=None, y=True)"),
        ("f(x='a', y=b'b')", ("text", "ffi.Bytes"), "(x='a', y=b'b')"),
        ("f(x='a', y=(1, 2.5))", ("one_of", "numbers"), "(x='a', y=(1, 2.5))"),
        ("f(x=')', y='(')", ("text", "text"), "(x=')', y='(')"),
        ("f(x=((1, (2.5,)), 3))", ("Any",), "(x=((1, (2.5,)), 3))"),
        ("f(x, *, y='cpu')", ("DLTensor*", "Device"), "(x, *, y='cpu')"),
    ],
)
def test_the_first_line_declares_parameters(
    line: str, types: tuple[str, ...], signature: str
) -> None:
    found = registry(function("pkg.f", f"{line}\n\nText.", *types))
    assert signatures(found) == {"function pkg.f": signature}


@pytest.mark.parametrize(
    ("doc", "types"),
    [
        (None, ("int",)),
        ("Return x.", ("int",)),
        ("Return f(x).", ("int",)),
        ("f(x) returns x (if it can).", ("int",)),
        ("Text.\n\nf(x)", ("int",)),
        ("g(x)", ("int",)),
        ("f(x, /)", ("int",)),
        ("f()", ()),
    ],
)
def test_other_functions_stay_as_they_are(doc: str | None, types: tuple[str, ...]) -> None:
    assert signatures(registry(function("pkg.f", doc, *types))) == {}


def test_a_function_with_unknown_parameters_stays_as_it_is() -> None:
    packed = Function("pkg.f", Schema("ffi.Function", result=Schema("Any")), "f(x, y=1)")
    assert signatures(registry(packed)) == {}


@pytest.mark.parametrize(
    ("line", "types", "words"),
    [
        ("f(x)", ("int", "float"), ("(int, float) -> int", "2 parameters", "has 1")),
        ("f(x, y)", ("int",), ("(int) -> int", "has 2")),
        ("f(*args)", ("int",), ("with *",)),
        ("f(x, x)", ("int", "int"), ("twice",)),
        ("f(x, ...)", ("int", "int"), ("not a Python signature",)),
        ("f(int x)", ("int",), ("not a Python signature",)),
        ("f(x=y)", ("int",), ("default y of 'x'", "literal")),
        ("f(x=float('nan'))", ("float",), ("float('nan')", "literal")),
        ("f(x=1e999)", ("float",), ("1e999", "literal")),
        ("f(x=(1, -1e999))", ("numbers",), ("1e999", "literal")),
        ("f(x='a')", ("int",), ("default 'a' of 'x'", "of int")),
        ("f(x=1.5)", ("int",), ("1.5",)),
        ("f(x=9223372036854775808)", ("int",), ("9223372036854775808",)),
        ("f(x=None)", ("int",), ("None",)),
        ("f(x=None)", ("bool",), ("None",)),
        ("f(x=1)", ("text",), ("of str",)),
        ("f(x=None)", ("DLTensor*",), ("of Tensor",)),
        ("f(x=(1, 'a'))", ("numbers",), ("Array[float]",)),
        ("f(x=...)", ("float",), ("...",)),
    ],
)
def test_a_line_that_does_not_fit_is_rejected(
    line: str, types: tuple[str, ...], words: tuple[str, ...]
) -> None:
    with pytest.raises(BuildError) as error:
        signatures(registry(function("pkg.f", line, *types)))
    for word in ("call_signatures", "'pkg.f'", repr(line), *words):
        assert word in error.value.message


def test_every_line_that_does_not_fit_is_reported() -> None:
    with pytest.raises(BuildError, match=r"(?s)'pkg\.f'.*'pkg\.g'"):
        signatures(registry(function("pkg.f", "f(x)"), function("pkg.g", "g(x)")))


METHODS = (
    function("grow", "grow(self, by, *, times=1)", "pkg.Box", "int", "int", static=False),
    function("shrink", "Box.shrink(by)", "pkg.Box", "int", static=False),
    function("make", "make(size=7)", "int"),
    function("__ffi_init__", "Box(size=3)", "int"),
    function("size", "size(x=1)", "pkg.Box", "int", static=False),
    function("twice", "twice(x=1)", "int"),
    function("twice", "twice(x=1, y=2)", "int", "int"),
)
FOUND = {
    "method pkg.Box.grow": "(by, *, times=1)",
    "method pkg.Box.shrink": "(by)",
    "method pkg.Box.make": "(size=7)",
    "method pkg.Box.__ffi_init__": "(size=3)",
}


def test_methods_and_constructors_declare_parameters_unless_they_are_overloaded_or_hidden() -> None:
    assert signatures(registry(methods=METHODS, fields=("size",))) == FOUND


def test_constructors_require_a_release_that_creates_them() -> None:
    found = registry(methods=(function("__ffi_init__", "Box(size=3)", "int"),))
    with pytest.raises(BuildError, match=r"call_signatures: .*'Box\(size=3\)'.*0\.1\.10"):
        signatures(dataclasses.replace(found, makes_constructors=False))
    positional = registry(methods=(function("__ffi_init__", "Box(size, /)", "int"),))
    assert signatures(dataclasses.replace(positional, makes_constructors=False)) == {}


def test_a_parameter_cannot_be_a_second_self() -> None:
    with pytest.raises(BuildError, match="twice"):
        signatures(
            registry(methods=(function("f", "f(x, self)", "A", "int", "int", static=False),))
        )


def test_symbols_declare_parameters_unless_a_function_hides_the_library() -> None:
    symbol, library = function("scale", "scale(x, y=1)", "int", "int"), function("pkg.LIB", None)
    assert signatures(registry(symbol)) == {"symbol scale": "(x, y=1)"}
    assert signatures(registry(symbol, library)) == {}
    assert signatures(registry(symbol), left_out={("symbol", "scale")}) == {}


def test_handwritten_functions_and_methods_are_skipped() -> None:
    found = registry(function("pkg.f", "f(x)", "int"), methods=METHODS, fields=("size",))
    own = {API: {"f", "Own", "Own.grow", "Own.__init__", "shrink"}}
    places = Places(classes={"pkg.Box": (API, "Own")}, handwritten=own)
    assert set(signatures(found, places=places)) == {"method pkg.Box.shrink", "method pkg.Box.make"}
