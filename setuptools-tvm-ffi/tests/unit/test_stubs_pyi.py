# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import builtins
import dataclasses
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from mypy import api as mypy
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.stubs.call_signatures import find_signatures
from setuptools_tvm_ffi.stubs.directives import SIGNATURE, parse
from setuptools_tvm_ffi.stubs.names import find_problems
from setuptools_tvm_ffi.stubs.outline import ClassOutline, Outline, outline
from setuptools_tvm_ffi.stubs.places import Places
from setuptools_tvm_ffi.stubs.pyi import StubContext, api_stub, package_stub
from setuptools_tvm_ffi.stubs.registry import Registry, read_registry

Json = dict[str, Any]
MODULE = "pkg._ffi_api"


def of(origin: str, *args: Json) -> Json:
    return {"type": origin, "args": list(args)} if args else {"type": origin}


def fn(result: Json, *parameters: Json) -> Json:
    return {"type": "ffi.Function", "named_args": {"return": [result], "params": [*parameters]}}


INT, TEXT, ANY, NONE, OBJECT = (of(o) for o in ("int", "ffi.String", "Any", "None", "ffi.Object"))
TENSOR, TEXTS = of("DLTensor*"), of("ffi.Array", TEXT)


def function(schema: Json | None, doc: str | None = None) -> Json:
    return {"schema": None if schema is None else json.dumps(schema), "doc": doc}


def method(name: str, schema: Json | None, doc: str | None = None, *, static: bool = False) -> Json:
    return {"name": name, **function(schema, doc), "static": static}


def field(name: str, schema: Json | None = INT, doc: str | None = None, **flags: bool) -> Json:
    none = {"read_only": False, "in_constructor": True, "keyword_only": False, "has_default": False}
    return {"name": name, **function(schema, doc), **none, **flags}


def cls(
    *members: Json, parent: str = "ffi.Object", doc: str | None = None, constructor: bool = False
) -> Json:
    explicit = any(m["name"] == "__ffi_init__" for m in members)
    return {
        "parent": parent,
        "doc": doc,
        "constructor": constructor or explicit,
        "fields": [m for m in members if "read_only" in m],
        "methods": [m for m in members if "read_only" not in m],
    }


def registry(
    functions: Mapping[str, Json] | None = None,
    types: Mapping[str, Json] | None = None,
    symbols: Mapping[str, Json] | None = None,
    *,
    classes: Mapping[str, Json | list[Any]] | None = None,
    makes_constructors: bool = True,
    finds_docs: bool = True,
) -> Registry:
    import tvm_ffi  # noqa: PLC0415 - where it is needed

    types = types or {}
    return read_registry(
        {
            "functions": functions or {},
            "types": types,
            "symbols": symbols or {},
            "python_classes": {
                "ffi.Object": [None, ["tvm_ffi", "Object"]],
                **{key: [value["parent"], None] for key, value in types.items()},
                **(classes or {}),
            },
            "module_attributes": dir(tvm_ffi.Module),
            "enum_attributes": ["get"],
            "makes_constructors": makes_constructors,
            "finds_docs": finds_docs,
        }
    )


def context(
    found: Registry,
    modules: Mapping[str, tuple[str, str]] | None = None,
    type_map: Mapping[str, str] | None = None,
) -> StubContext:
    problems = find_problems(found, "pkg.", (), makes_packages=True)
    left_out = {(problem.kind, problem.name) for problem in problems}
    return StubContext(
        *(found, "0.1.15", left_out, modules or {}, type_map or {}, "library"), added={MODULE}
    )


def stub(
    found: Registry,
    module: Outline | None = None,
    *,
    modules: Mapping[str, tuple[str, str]] | None = None,
    type_map: Mapping[str, str] | None = None,
    committed: str = "",
) -> str:
    """Return the stub of a module. By default, it contains the whole registry."""
    made = context(found, modules, type_map)
    if module is None:
        module = Outline(prefixes=["pkg."], library="library")
        module.classes = [
            ClassOutline(key.rpartition(".")[2], key, None)
            for key in found.types
            if ("type", key) not in made.left_out
        ]
    text = api_stub(MODULE, module, made, committed)
    compile(text, "_ffi_api.pyi", "exec", dont_inherit=True)
    return text


def definitions(text: str) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the names and definitions in a stub. Names of members start with the class."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            yield node.name, node
            for member in node.body:
                if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    yield f"{node.name}.{member.name}", member
                elif isinstance(member, ast.AnnAssign):
                    yield f"{node.name}.{ast.unparse(member.target)}", member
        elif isinstance(node, ast.AnnAssign):
            yield ast.unparse(node.target), node
        elif isinstance(node, ast.Assign):
            yield ast.unparse(node.targets[0]), node


def defined(text: str, name: str) -> list[str]:
    """Return each definition of a name without its docstring."""
    found = []
    for known, node in definitions(text):
        if known == name:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and len(node.body) == 1:
                node.body = [ast.Expr(ast.Constant(...))]
            found.append(re.sub(r":\n +\.\.\.$", "", ast.unparse(node)))
    return found


def signature(text: str, name: str) -> str:
    (found,) = defined(text, name)
    return found.rpartition("\n")[2].partition(" ")[2]


def docs(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    nodes = dict(definitions(text))
    for name, node in nodes.items():
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            doc = ast.get_docstring(node)
            if doc:
                found[name] = doc
        if isinstance(node, ast.ClassDef):
            for before, after in zip(node.body, node.body[1:]):
                if isinstance(before, ast.AnnAssign) and isinstance(after, ast.Expr):
                    assert isinstance(after.value, ast.Constant)
                    name_of = f"{node.name}.{ast.unparse(before.target)}"
                    found[name_of] = inspect.cleandoc(str(after.value.value))
    return found


def of_function(schema: Json | None, doc: str | None = None) -> str:
    return signature(stub(registry({"pkg.f": function(schema, doc)})), "_Functions.f")


def of_class(*members: Json, constructor: bool = False, **types: Json) -> str:
    found = {"pkg.A": cls(*members, constructor=constructor)}
    return stub(registry(types={**found, **{f"pkg.{k}": v for k, v in types.items()}}))


def test_a_stub_begins_with_its_origin_and_versions() -> None:
    found = registry()
    first, second = stub(found).splitlines()[:2]
    assert first.startswith(SIGNATURE)
    assert second.endswith(f", apache-tvm-ffi 0.1.15, registry {found.digest()}")


def test_an_empty_stub_compiles() -> None:
    assert ast.parse(stub(registry(), Outline())).body == []


# --- functions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "doc", "expected"),
    [
        (fn(INT), None, "f() -> int"),
        (fn(NONE, INT, TEXT), None, "f(_0: int, _1: str, /) -> None"),
        (fn(INT, INT), "f(x)", "f(x: int, /) -> int"),
        (fn(INT, INT, INT), "Parameters\n----------\na, b : int\n", "f(a: int, b: int, /) -> int"),
        (fn(INT, INT), "F.\n\nArgs:\n    x: It.\n", "f(x: int, /) -> int"),
        (fn(INT, INT), "f(x, y)", "f(_0: int, /) -> int"),
        (fn(INT, INT), "f(class_)", "f(class_: int, /) -> int"),
        (fn(TEXTS, TEXTS), None, "f(_0: _Sequence[str], /) -> Array[str]"),
        (fn(INT, TENSOR), None, "f(_0: _SupportsDLPack, /) -> int"),
        (fn(ANY, ANY), None, "f(_0: Any, /) -> Any"),
        (fn(NONE, fn(NONE, TENSOR)), None, "f(_0: Callable[[Tensor], object], /) -> None"),
        (
            fn(of("Optional", INT), of("Variant", INT, TEXT)),
            None,
            "f(_0: int | str, /) -> int | None",
        ),
        ({"type": "ffi.Function", "args": [INT, TEXT]}, None, "f(_0: str, /) -> int"),
    ],
)
def test_a_function_has_the_registered_types_and_names(
    schema: Json, doc: str | None, expected: str
) -> None:
    assert of_function(schema, doc) == expected


def test_a_function_is_an_alias_of_a_static_method() -> None:
    text = stub(registry({"pkg.f": function(fn(INT))}))
    assert defined(text, "f") == ["f = _Functions.f"]
    assert defined(text, "_Functions.f")[0].startswith("@staticmethod\n")


def test_a_module_has_only_the_functions_of_its_prefixes() -> None:
    functions = ("pkg.f", "pkg.sub.g", "pkgs.h", "other.f", "i")
    found = registry({name: function(fn(INT)) for name in functions})
    assert "_Functions.f" in dict(definitions(stub(found)))
    assert not re.search(r"\b[ghi]\b", stub(found).partition("class _Functions")[2])
    both = stub(found, Outline(prefixes=["pkg.sub.", "pkg."]))
    assert [name for name in ("f", "g", "h") if defined(both, name)] == ["f", "g"]


def test_names_that_are_left_out_are_in_no_stub() -> None:
    types = {"pkg.A": cls(field("from"), field("x"), method("__y", fn(INT)))}
    found = registry({"pkg.class": function(fn(INT))}, types, {"imports": function(fn(INT))})
    text = stub(found)
    assert not re.search(r"\b(class|from|__y)\b\(?(self|:)", text)
    assert defined(text, "_A.x") == ["x: int"]


# --- the library ---------------------------------------------------------------------------------


def test_the_library_has_its_functions_and_the_attributes_of_modules() -> None:
    symbols = {
        "add": function(fn(INT, INT, INT), "add(a, b)\n\nAdd."),
        "free": function(None),
        "same": function(fn(INT, INT), "same(self)"),
    }
    text = stub(registry(symbols=symbols))
    assert signature(text, "_Library.add") == "add(self, a: int, b: int, /) -> int"
    assert signature(text, "_Library.free") == "free(self, /, *args: Any) -> Any"
    assert signature(text, "_Library.same") == "same(self, _0: int, /) -> int"
    assert signature(text, "_Library.__getitem__") == "__getitem__(self, name: str, /) -> Function"
    assert defined(text, "LIB") == ["LIB: Final[_Library]"]
    assert docs(text)["_Library.add"] == "add(a, b)\n\nAdd."


def test_an_exported_function_does_not_override_an_attribute_of_modules() -> None:
    text = stub(registry(symbols={"get_function": function(fn(INT, INT))}))
    assert "query_imports" in signature(text, "_Library.get_function")


def test_a_library_of_another_target_is_a_module() -> None:
    text = stub(registry(symbols={"add": function(fn(INT))}), Outline(library="another"))
    assert defined(text, "LIB") == ["LIB: Final[Module]"]
    assert "add" not in text


def test_a_module_without_a_library_has_none() -> None:
    assert "LIB" not in stub(registry({"pkg.f": function(fn(INT))}), Outline(prefixes=["pkg."]))


def test_a_function_named_lib_replaces_the_library() -> None:
    text = stub(registry({"pkg.LIB": function(fn(INT))}))
    assert defined(text, "LIB") == ["LIB = _Functions.LIB"]


# --- classes -------------------------------------------------------------------------------------


def test_a_read_only_field_is_a_property_and_a_writable_one_an_attribute() -> None:
    text = of_class(field("a", doc="A.", read_only=True), field("b", TEXT, doc="B."))
    assert defined(text, "_A.a") == ["@property\ndef a(self) -> int"]
    assert defined(text, "_A.b") == ["b: str"]
    assert (docs(text)["_A.a"], docs(text)["_A.b"]) == ("A.", "B.")


def test_a_field_that_accepts_other_types_has_a_setter() -> None:
    text = of_class(field("a", TEXTS, doc="A."))
    assert defined(text, "_A.a") == [
        "@property\ndef a(self) -> Array[str]",
        "@a.setter\ndef a(self, value: _Sequence[str], /) -> None",
    ]
    assert "A." in text


def constructor(text: str, name: str = "_A") -> str:
    return signature(text, f"{name}.__init__")


@pytest.mark.parametrize(
    ("parameters", "doc", "expected"),
    [
        ([], None, "__init__(self, /) -> None"),
        ([INT, TEXTS], None, "__init__(self, _0: int, _1: _Sequence[str], /) -> None"),
        ([INT], "A(size)", "__init__(self, size: int, /) -> None"),
        ([INT], "__init__(size)", "__init__(self, size: int, /) -> None"),
        ([INT], "Parameters\n----------\nsize : int\n", "__init__(self, size: int, /) -> None"),
        ([INT], "Parameters\n----------\nself : int\n", "__init__(self, _0: int, /) -> None"),
    ],
)
def test_an_explicit_constructor_is_positional_only(
    parameters: list[Json], doc: str | None, expected: str
) -> None:
    init = method("__ffi_init__", fn(OBJECT, *parameters), doc, static=True)
    text = of_class(field("a"), init)
    assert constructor(text) == expected
    assert docs(text).get("_A.__init__") == (doc and inspect.cleandoc(doc))


def test_declared_parameters_have_names_defaults_and_kinds() -> None:
    found = registry(
        {"pkg.f": function(fn(INT, INT, TEXT, ANY, OBJECT), "f(a, /, b='x', *, c=None, d)")},
        {
            "pkg.A": cls(
                method("__ffi_init__", fn(OBJECT, INT), "A(n=1)", static=True),
                method("grow", fn(INT, of("pkg.A"), INT), "grow(by, /)"),
                method("make", fn(INT, INT), "make(n=1)", static=True),
            )
        },
        {"scale": function(fn(INT, INT), "scale(x, /)")},
    )
    settings = ExtensionSettings("pkg.library", ("a.cc",), call_signatures=True)
    signatures = find_signatures(settings, found, (), Places())
    module = Outline(prefixes=["pkg."], library="library")
    module.classes = [ClassOutline("A", "pkg.A", None)]
    text = api_stub(MODULE, module, dataclasses.replace(context(found), signatures=signatures))
    for definition in (
        "def f(a: int, /, b: str = 'x', *, c: Any = None, d: Object) -> int:",
        "def __init__(self, n: int = 1) -> None:",
        "def grow(self, by: int, /) -> int:",
        "def make(n: int = 1) -> int:",
        "def scale(self, x: int, /) -> int:",
    ):
        assert definition in text


@pytest.mark.parametrize(
    ("line", "signatures"),
    [
        (
            "f(x, alpha=1, out=None)",
            [
                "(x: _SupportsDLPack, alpha: int, out: _FrameworkTensor) -> _FrameworkTensor",
                "(x: _FrameworkTensor, alpha: int = 1, out: _SupportsDLPack | None = None)"
                " -> _FrameworkTensor",
                "(x: _SupportsDLPack, alpha: int = 1, out: _SupportsDLPack | None = None)"
                " -> Tensor",
            ],
        ),
        (
            "f(x, alpha=1, *, out=None)",
            [
                "(x: _SupportsDLPack, alpha: int = 1, *, out: _FrameworkTensor)"
                " -> _FrameworkTensor",
                "(x: _FrameworkTensor, alpha: int = 1, *, out: _SupportsDLPack | None = None)"
                " -> _FrameworkTensor",
                "(x: _SupportsDLPack, alpha: int = 1, *, out: _SupportsDLPack | None = None)"
                " -> Tensor",
            ],
        ),
    ],
)
def test_the_tensor_that_sets_the_class_has_no_default(line: str, signatures: list[str]) -> None:
    found = registry({"pkg.f": function(fn(TENSOR, TENSOR, INT, of("Optional", TENSOR)), line)})
    settings = ExtensionSettings("pkg.library", ("a.cc",), call_signatures=True)
    declared = find_signatures(settings, found, (), Places())
    module = Outline(prefixes=["pkg."], library="library")
    text = api_stub(MODULE, module, dataclasses.replace(context(found), signatures=declared))
    assert re.findall(r"    def f(\(.*\) -> \w+):", text) == signatures


def test_an_explicit_constructor_without_a_schema_accepts_anything() -> None:
    assert constructor(of_class(method("__ffi_init__", None))) == (
        "__init__(self, /, *args: Any) -> None"
    )


def test_a_generated_constructor_has_fields_as_parameters() -> None:
    text = of_class(
        field("d", has_default=True),
        field("a", TEXTS, read_only=True),
        field("k", has_default=True, keyword_only=True),
        field("hidden", in_constructor=False),
        field("j", keyword_only=True),
        constructor=True,
    )
    assert constructor(text) == (
        "__init__(self, a: _Sequence[str], d: int=..., *, j: int, k: int=...) -> None"
    )


def test_the_fields_of_parents_come_first() -> None:
    text = of_class(
        field("a"),
        field("b", has_default=True),
        constructor=True,
        B=cls(field("c"), parent="pkg.A", constructor=True),
        C=cls(field("d", keyword_only=True), parent="pkg.B", constructor=True),
    )
    assert constructor(text, "_B") == "__init__(self, a: int, c: int, b: int=...) -> None"
    assert (
        constructor(text, "_C") == "__init__(self, a: int, c: int, b: int=..., *, d: int) -> None"
    )


def test_the_generated_constructor_of_a_class_without_fields() -> None:
    assert constructor(of_class(constructor=True)) == "__init__(self) -> None"


def test_a_class_without_a_constructor_cannot_be_called() -> None:
    text = of_class(field("a"))
    assert constructor(text) == "__init__(self, _: NoReturn, /) -> None"
    assert "TypeError" in docs(text)["_A.__init__"]


def test_old_releases_create_no_constructors() -> None:
    types = {"pkg.A": cls(field("a"), constructor=True)}
    assert "__init__" not in stub(registry(types=types, makes_constructors=False))


def test_unnamed_parameters_of_methods_are_counted_from_self() -> None:
    text = of_class(
        method("f", fn(INT, OBJECT)),
        method("g", fn(TEXTS, OBJECT, TEXTS, INT)),
        method("h", fn(INT, OBJECT, INT, INT), "h(x, y)"),
        method("i", fn(INT, OBJECT, INT), "i(self, x)"),
        method("any", None),
    )
    assert signature(text, "_A.f") == "f(self, /) -> int"
    assert signature(text, "_A.g") == "g(self, _1: _Sequence[str], _2: int, /) -> Array[str]"
    assert signature(text, "_A.h") == "h(self, x: int, y: int, /) -> int"
    assert signature(text, "_A.i") == "i(self, x: int, /) -> int"
    assert "any" not in dict(definitions(text))


def test_static_methods_take_no_self() -> None:
    text = of_class(method("make", fn(of("pkg.A"), INT), static=True))
    assert defined(text, "_A.make") == ["@staticmethod\ndef make(_0: int, /) -> A"]
    assert "make = _A.make" in text


def test_a_method_registered_twice_is_overloaded() -> None:
    text = of_class(method("f", fn(INT, OBJECT, INT)), method("f", fn(TEXT, OBJECT, TEXT)))
    assert defined(text, "_A.f") == [
        "@overload\ndef f(self, _1: int, /) -> int",
        "@overload\ndef f(self, _1: str, /) -> str",
    ]


def test_methods_that_the_class_lacks_at_run_time_are_left_out() -> None:
    found = registry(
        types={
            "pkg.A": cls(method("mine", fn(INT, OBJECT)), method("x", fn(INT, OBJECT)), field("x"))
        }
    )
    made = dataclasses.replace(
        context(found), left_out={("method", "pkg.A.mine"), ("method", "pkg.A.x")}
    )
    outline = Outline(prefixes=["pkg."], library="library")
    outline.classes = [ClassOutline("A", "pkg.A", None)]
    text = api_stub(MODULE, outline, made)
    assert "_A.mine" not in dict(definitions(text))
    assert defined(text, "_A.x") == ["x: int"]


def test_entries_of_an_enumeration_are_in_its_public_class() -> None:
    enum = {**cls(field("weight"), parent="ffi.IntEnum"), "entries": {"low": 3, "get": 4}}
    classes: dict[str, Any] = {
        "ffi.Enum": [None, None],
        "ffi.IntEnum": ["ffi.Enum", ["tvm_ffi.dataclasses", "IntEnum"]],
    }
    text = stub(registry(types={"pkg.Level": enum}, classes=classes))
    names = dict(definitions(text))
    assert "_Level" not in names
    assert "\nclass Level(IntEnum):\n" in text
    assert "\n    low = _entry\n" in text
    assert "get = " not in text
    assert "\n    def __new__(cls, index: Level | int | str, /) -> Level: ...\n" in text
    assert not any("__init__" in name for name in names)


def test_a_module_that_the_build_does_not_change_has_no_entries() -> None:
    enum = {**cls(parent="ffi.Enum"), "entries": {"fast": 0}}
    classes: dict[str, Any] = {"ffi.Enum": [None, ["tvm_ffi.dataclasses", "Enum"]]}
    found = registry(types={"pkg.Mode": enum}, classes=classes)
    module = Outline(prefixes=["pkg."], library="library")
    module.classes = [ClassOutline("Mode", "pkg.Mode", None)]
    text = api_stub(MODULE, module, dataclasses.replace(context(found), added=()))
    assert "\nclass Mode(Enum):\n" in text
    assert "fast" not in text
    assert "_entry" not in text
    assert "__tvm_ffi_type_info__" not in text


def test_special_methods_are_included() -> None:
    assert signature(of_class(method("__len__", fn(INT, OBJECT))), "_A.__len__") == (
        "__len__(self, /) -> int"
    )


def bases(text: str, name: str) -> list[str]:
    node = dict(definitions(text))[name]
    assert isinstance(node, ast.ClassDef)
    return list(map(ast.unparse, node.bases))


def test_a_class_derives_from_its_parent() -> None:
    text = of_class(field("a"), B=cls(field("b"), parent="pkg.A"))
    assert (bases(text, "A"), bases(text, "_A")) == (["_A"], ["_Object"])
    assert (bases(text, "B"), bases(text, "_B")) == (["_B"], ["A"])


def test_a_class_may_derive_from_a_class_of_another_module() -> None:
    types = {"pkg.sub.Base": cls(), "pkg.A": cls(parent="pkg.sub.Base")}
    module = Outline(classes=[ClassOutline("A", "pkg.A", None)])
    modules = {"pkg.sub.Base": ("Base", "pkg.sub._ffi_api"), "pkg.A": ("A", MODULE)}
    text = stub(registry(types=types), module, modules=modules)
    assert "from pkg.sub._ffi_api import Base" in text
    assert bases(text, "_A") == ["Base"]


def test_a_class_may_derive_from_a_class_with_the_same_name() -> None:
    types = {"pkg.sub.A": cls(), "pkg.A": cls(parent="pkg.sub.A")}
    module = Outline(classes=[ClassOutline("A", "pkg.A", None)])
    text = stub(registry(types=types), module, modules={"pkg.sub.A": ("A", "pkg.sub._ffi_api")})
    (alias,) = re.findall(r"from pkg\.sub\._ffi_api import A as (\w+)", text)
    assert bases(text, "_A") == [alias]


CLASSES: Mapping[str, list[Any]] = {
    "other.Base": ["ffi.Object", ["other", "Base"]],
    "other.hidden": ["other.Base", None],
    "nobody.Here": ["ffi.Object", None],
}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("other.Base", "Base"),
        ("other.hidden", "Base"),
        ("nobody.Here", "Object"),
        ("nobody.Knows", "Object"),
    ],
)
def test_a_type_without_a_class_is_written_as_its_nearest_ancestor(key: str, expected: str) -> None:
    text = stub(registry({"pkg.f": function(fn(of(key), of(key)))}, classes=CLASSES))
    assert signature(text, "_Functions.f") == f"f(_0: {expected}, /) -> {expected}"
    home = "other" if expected == "Base" else "tvm_ffi"
    assert re.search(rf"^from {home} import .*\b{expected}\b", text, re.MULTILINE)


def test_a_class_may_derive_from_a_class_of_another_package() -> None:
    text = stub(registry(types={"pkg.A": cls(parent="other.hidden")}, classes=CLASSES))
    assert "from other import Base" in text
    assert bases(text, "_A") == ["Base"]


def test_a_type_map_has_precedence() -> None:
    found = registry({"pkg.f": function(fn(of("other.Base")))}, classes=CLASSES)
    text = stub(found, type_map={"other.Base": "numpy.typing.NDArray"})
    assert "from numpy.typing import NDArray" in text
    assert signature(text, "_Functions.f") == "f() -> NDArray"


def test_a_type_map_may_abbreviate_tvm_ffi() -> None:
    found = registry({"pkg.f": function(fn(of("other.Base")))}, classes=CLASSES)
    text = stub(found, type_map={"other.Base": "ffi.access_path.AccessPath"})
    assert "from tvm_ffi.access_path import AccessPath" in text


# --- docstrings ----------------------------------------------------------------------------------

DOCS = {
    "plain": "Doc.",
    "backslashes": "a\\b \\n \\N{DASH} \\x41 \\u \\",
    "a backslash and quotes": 'a\\"""',
    "quotes": '"a" "" """b""" """" \'\'\'',
    "quotes at the end": 'a "b"',
    "three quotes at the end": 'a """',
    "a quote alone": '"',
    "control characters": "a\x00b\x01\x07\x1b\x7fc",
    "line separators": "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g",
    "tabs and returns": "a\tb\r\nc\rd",
    "white space of all kinds": "a\u00a0b\u3000c",
    "not ASCII": "größe 数 😀 e\u0301",
    "half a surrogate pair": "a\ud800b",
    "very long": "word " * 20_000,
    "many lines": "\n".join(map(str, range(5000))),
    "leading blank lines": "\n\n   a\n   b",
    "trailing blank lines": "a\n\n\n",
    "indented": "First.\n\n    More.\n        Deeper.\n    Less.\n    ",
    "indented from the first line on": "    a\n      b\n",
    "blank lines inside": "a\n\n\nb",
    "code": "Doc.\n\n>>> f('''x''')\n'y'\n",
    "a directive": "# tvm-ffi-stubgen(begin): global/pkg",
    "braces": "{int} {0} %s",
}


@pytest.mark.parametrize("doc", DOCS.values(), ids=DOCS)
def test_docstrings_are_preserved(doc: str) -> None:
    types = {
        "pkg.A": cls(
            field("w", doc=doc),
            field("r", doc=doc, read_only=True),
            field("s", TEXTS, doc=doc),
            method("m", fn(INT, OBJECT, INT), doc),
            method("__ffi_init__", fn(OBJECT, INT), doc),
            doc=doc,
        )
    }
    symbols = {"e": function(fn(INT, INT), doc)}
    module = Outline(doc=inspect.cleandoc(doc), prefixes=["pkg."], library="library")
    module.classes = [ClassOutline("A", "pkg.A", "not this")]
    text = stub(registry({"pkg.f": function(fn(INT, INT), doc)}, types, symbols), module)
    # Trailing white space is removed, because tools remove it from committed files.
    lines = inspect.cleandoc(doc).split("\n")
    expected = "\n".join(line.rstrip() for line in lines).rstrip("\n")
    found = docs(text)
    for name in ("_Functions.f", "A", "_A.w", "_A.r", "_A.m", "_A.__init__", "_Library.e"):
        assert found[name] == expected, name
    assert ast.get_docstring(ast.parse(text)) == expected
    assert not re.search(r"[^\S \n]|[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
    assert text.encode().decode() == text


@pytest.mark.parametrize("doc", [None, ""])
def test_missing_docstrings_are_not_replaced(doc: str | None) -> None:
    found = registry(
        {"pkg.f": function(fn(INT), doc)}, {"pkg.A": cls(field("x", doc=doc), constructor=True)}
    )
    assert not {"_Functions.f", "_A.x", "_A.__init__"} & set(docs(stub(found)))


def test_a_class_has_the_registered_or_handwritten_or_default_docstring() -> None:
    for registered, own, expected in (
        ("Registered.", "Own.", "Registered."),
        (None, "Own.", "Own."),
        (None, None, "Objects of the type ``pkg.A``."),
    ):
        module = Outline(classes=[ClassOutline("A", "pkg.A", own)])
        assert docs(stub(registry(types={"pkg.A": cls(doc=registered)}), module))["A"] == expected


# --- handwritten code ----------------------------------------------------------------------------

BEGIN, END = "# tvm-ffi-stubgen(begin): ", "# tvm-ffi-stubgen(end)"
WRITTEN = f"""'''My module.'''
import numpy as np

LIB = _FFI_LOAD_LIB("distribution", "library")
{BEGIN}global/pkg
_FFI_INIT_FUNC("pkg", __name__)
{END}

def g(x: np.ndarray) -> int:
    '''Mine.'''
    return int(x)

LIMIT: int = 3

@_FFI_REG_OBJ("pkg.A")
class A(_ffi_Object):
    '''My class.'''
    {BEGIN}object/pkg.A
    x: int
    {END}

    def mine(self) -> int:
        '''Mine, too.'''
        return 1

    def __init__(self, x: str):
        ...

__all__ = [
    {BEGIN}__all__
    "A",
    {END}
    "g",
]
"""


def test_handwritten_definitions_have_precedence() -> None:
    names = ("f", "g", "LIMIT")
    members = [
        *(field("x"), field("mine"), method("mine", fn(TEXT, OBJECT))),
        *(method("f", fn(INT, OBJECT)), method("__ffi_init__", fn(OBJECT, INT))),
    ]
    found = registry({f"pkg.{name}": function(fn(INT)) for name in names}, {"pkg.A": cls(*members)})
    text = stub(found, outline(parse(WRITTEN, "_ffi_api.py")))
    assert ast.get_docstring(ast.parse(text)) == "My module."
    assert "import numpy as np\n" in text
    assert "def g(x: np.ndarray) -> int:\n" in text
    assert defined(text, "LIMIT") == ["LIMIT: int"]
    assert defined(text, "f") == ["f = _Functions.f"]
    assert "_Functions.g" not in text
    assert signature(text, "A.mine") == "mine(self) -> int"
    assert constructor(text, "A") == "__init__(self, x: str)"
    assert not {"_A.mine", "_A.__init__"} & set(dict(definitions(text)))
    assert {"_A.x", "_A.f"} <= set(dict(definitions(text)))
    assert docs(text)["A.mine"] == "Mine, too."
    assert '__all__ = [\n    "A",\n    "g",\n]\n' in text


def test_a_package_re_exports_the_names_of_its_module() -> None:
    made = context(registry())
    text = package_stub("My package.", Outline(exported=["b", "LIB", "a"]), made)
    tree = ast.parse(text)
    assert ast.get_docstring(tree) == "My package."
    assert isinstance(tree.body[1], ast.ImportFrom)
    assert (tree.body[1].module, tree.body[1].level) == ("_ffi_api", 1)
    assert [(n.name, n.asname) for n in tree.body[1].names] == [
        ("LIB", "LIB"),
        ("a", "a"),
        ("b", "b"),
    ]
    assert ast.unparse(tree.body[2]) == "__all__ = ['LIB', 'a', 'b']"
    assert text.startswith(SIGNATURE)


def test_a_package_without_a_docstring_has_none() -> None:
    text = package_stub(None, Outline(exported=["a"]), context(registry()))
    assert ast.get_docstring(ast.parse(text)) is None


# --- names that shadow other names ---------------------------------------------------------------


def hostile() -> Registry:
    functions = {
        "str": function(fn(TEXT, TEXTS)),
        "int": function(fn(INT, INT)),
        "tuple": function(fn(of("Tuple", INT, TEXT), TENSOR)),
        "Sequence": function(fn(of("pkg.Sequences"))),
        "Callable": function(fn(INT, fn(TEXT, INT))),
        **{
            name: function(fn(INT))
            for name in (
                *("object", "staticmethod", "property", "bool", "dict", "Any", "Final"),
                *("Protocol", "type_check_only", "overload", "NoReturn", "ABCMeta", "ClassVar"),
                *("_SupportsDLPack", "_Functions", "_Library", "_Object", "_str", "Function"),
            )
        },
    }
    types = {
        "Object": cls(
            field("Object", OBJECT),
            field("int", INT, read_only=True),
            field("property", TEXT, read_only=True),
            field("str", TEXTS),
            field("Sequences", of("pkg.Sequences")),
            method("make", fn(of("pkg.Object"), INT), static=True),
            method("over", fn(INT, OBJECT, INT)),
            method("over", fn(TEXT, OBJECT, TEXT)),
            constructor=True,
        ),
        "Sequences": cls(field("Array", TEXTS), parent="pkg.Object"),
        **{name: cls() for name in ("Functions", "Library", "ObjectMeta", "_Sequences")},
    }
    symbols = {
        "str": function(fn(TEXT, TEXT)),
        "bool": function(fn(of("bool"), INT)),
        "Any": function(None),
    }
    return registry(
        {f"pkg.{name}": value for name, value in functions.items()},
        {f"pkg.{name}": value for name, value in types.items()},
        symbols,
    )


USE = """\
import tvm_ffi
from pkg import _ffi_api as m

def use(o: m.Object, s: m.Sequences, t: tvm_ffi.Tensor) -> None:
    reveal_type(m.str)
    reveal_type(m.int)
    reveal_type(m.tuple(t))
    reveal_type(m.Sequence())
    reveal_type(m.Callable)
    reveal_type(m.LIB.str)
    reveal_type(m.LIB.bool)
    reveal_type(m.LIB.implements_function("x"))
    reveal_type(o.Object)
    reveal_type(o.int)
    reveal_type(o.property)
    reveal_type(o.str)
    reveal_type(o.Sequences)
    reveal_type(m.Object.make(1))
    reveal_type(o.over(1))
    reveal_type(o.over("a"))
    reveal_type(s.Array)
    reveal_type(s.int)
    o.str = ["a"]
    m.Object(Object=o, int=1, property="", str=["a"], Sequences=s)
    o.int = 1
    m.Library()
"""
REVEALED = [
    "def (pkg._ffi_api._Sequence[str]) -> str",
    "def (int) -> int",
    "tuple[int, str]",
    "pkg._ffi_api.Sequences",
    "def (def (int) -> str) -> int",
    "def (str) -> str",
    "def (int) -> bool",
    "bool",
    "tvm_ffi.core.Object",
    "int",
    "str",
    "tvm_ffi.container.Array[str]",
    "pkg._ffi_api.Sequences",
    "pkg._ffi_api.Object",
    "int",
    "str",
    "tvm_ffi.container.Array[str]",
    "int",
]


def test_registered_names_do_not_shadow_names_in_annotations(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    for name, text in (
        ("pkg/__init__.py", ""),
        ("pkg/_ffi_api.pyi", stub(hostile())),
        ("use.py", USE),
    ):
        (tmp_path / name).write_text(text)
    output, _, _ = mypy.run(
        [
            *("--strict", "--config-file=", "--no-error-summary", f"--cache-dir={os.devnull}"),
            *("--python-executable", sys.executable, "--explicit-package-bases"),
            *(str(tmp_path / name) for name in ("use.py", "pkg/_ffi_api.pyi", "pkg/__init__.py")),
        ]
    )
    lines = [line for line in output.splitlines() if "use.py" in line]
    revealed = [line.partition("type is ")[2].strip('"') for line in lines if "note:" in line]
    assert len(lines) == len(output.splitlines()), output
    assert revealed == REVEALED, output
    assert [line.rpartition("[")[2] for line in lines if "error:" in line] == ["misc]", "call-arg]"]


KNOWN_MODULES = {
    *("typing", "collections.abc", "abc", "ctypes", "builtins", "tvm_ffi", "tvm_ffi.core"),
}


def everything() -> Registry:
    origins = (
        *("None", "bool", "int", "float", "ffi.String", "ffi.Bytes", "void*", "DataType", "Device"),
        *("DLTensor*", "ffi.Shape", "ffi.Array", "ffi.List", "ffi.Map", "ffi.Dict", "ffi.Object"),
        *("ffi.Module", "ffi.Error", "ffi.OpaquePyObject", "Any", "ffi.Function", "pkg.A", "Tuple"),
    )
    functions = {f"pkg.f{n}": function(fn(of(o), of(o))) for n, o in enumerate(origins)}
    members = [field(f"m{n}", of(o), has_default=n > 5) for n, o in enumerate(origins)]
    return registry(
        functions, {"pkg.A": cls(*members, constructor=True)}, {"s": functions["pkg.f9"]}
    )


@pytest.mark.parametrize("found", [hostile(), everything()], ids=["hostile", "everything"])
def test_only_public_names_are_imported(found: Registry) -> None:
    text = stub(found)
    imports = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    assert {node.module for node in imports} <= KNOWN_MODULES
    assert len({node.module for node in imports}) == len(imports)
    names = [alias for node in imports for alias in node.names]
    assert not [alias.name for alias in names if alias.name.startswith("_")]
    bound = [alias.asname or alias.name for alias in names]
    assert len(set(bound)) == len(bound)
    others = {name for name, _ in definitions(text) if "." not in name}
    assert not others & set(bound)


@pytest.mark.parametrize("found", [hostile(), everything()], ids=["hostile", "everything"])
def test_every_name_is_bound_once_and_every_used_name_is_bound(found: Registry) -> None:
    tree = ast.parse(stub(found))
    top = [name for name, _ in definitions(ast.unparse(tree)) if "." not in name]
    assert len(set(top)) == len(top)
    bound = {
        a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names
    }
    loaded = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    members = {name.rpartition(".")[2] for name, _ in definitions(ast.unparse(tree))}
    assert loaded <= bound | members | set(dir(builtins))


SEEDED = """\
import sys, importlib.util
spec = importlib.util.spec_from_file_location("written", sys.argv[1])
written = importlib.util.module_from_spec(spec)
sys.modules["written"] = written
spec.loader.exec_module(written)
for made in (written.hostile(), written.everything()):
    sys.stdout.buffer.write(written.stub(made).encode())
"""


def test_stubs_do_not_depend_on_the_hash_seed() -> None:
    outputs = [
        subprocess.run(
            [sys.executable, "-c", SEEDED, __file__],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0] == (stub(hostile()) + stub(everything())).encode()


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_registration_of_functions_and_symbols_does_not_matter(order: int) -> None:
    names: Sequence[str] = ["b", "a", "Sequence", "C", "str"][::order]
    functions = {f"pkg.{name}": function(fn(TEXTS, TEXTS)) for name in names}
    symbols = {name: function(fn(TEXTS, TEXTS)) for name in names}
    expected = registry(dict(sorted(functions.items())), {}, dict(sorted(symbols.items())))
    assert stub(registry(functions, {}, symbols)) == stub(expected)


# --- edge cases -----------------------------------------------------------------------------------


def test_a_docstring_of_white_space_is_ignored() -> None:
    assert "Objects of the type ``pkg.A``." in stub(registry(types={"pkg.A": cls(doc=" \n")}))


def test_a_handwritten_import_may_have_a_name_that_annotations_need() -> None:
    module = Outline(prefixes=["pkg."], imports=["from mine import Sequence, int"])
    module.imported_names = {"Sequence", "int"}
    text = stub(registry({"pkg.f": function(fn(INT, TEXTS))}), module)
    assert signature(text, "_Functions.f") == "f(_0: _Sequence[str], /) -> _int"


def test_a_member_may_have_the_name_of_a_private_class() -> None:
    types = {"pkg.A": cls(field("_SupportsDLPack"), field("_Functions"))}
    text = stub(registry({"pkg.f": function(fn(INT, TENSOR))}, types))
    assert signature(text, "__Functions.f") == "f(_0: __SupportsDLPack, /) -> int"


def test_constructors_of_one_class_are_overloads() -> None:
    both = (
        method("__ffi_init__", fn(OBJECT, INT), "A(x)"),
        method("__ffi_init__", fn(OBJECT, INT, TEXT), "A(x, name)"),
    )
    text = stub(registry(types={"pkg.A": cls(*both)}))
    assert text.count("@overload\n    def __init__(") == 2
    assert "def __init__(self, x: int, /) -> None:" in text
    assert "def __init__(self, x: int, name: str, /) -> None:" in text


def test_defaults_that_are_literals_of_the_type_of_their_parameter_are_printed() -> None:
    fields = [
        {**field("a", of("float"), has_default=True), "default": "1.5"},
        {**field("b", of("pkg.A"), has_default=True), "default": "None"},
        {**field("c", of("Optional", INT), has_default=True), "default": "None"},
        {**field("d", has_default=True), "default": None},
        {**field("e"), "default": "None"},
    ]
    text = stub(registry(types={"pkg.A": cls(*fields, constructor=True)}))
    assert signature(text, "_A.__init__") == (
        "__init__(self, e: int, a: float=1.5, b: A=..., c: int | None=None, d: int=...) -> None"
    )


# --- functions that return tensors ----------------------------------------------------------------


def overloads(schema: Json) -> list[str]:
    text = stub(registry({"pkg.f": function(schema, "F.")}))
    assert text.count('"""F."""') == 1
    return [line.rpartition("def f")[2] for line in defined(text, "_Functions.f")]


def test_each_tensor_of_a_framework_that_a_call_passes_can_decide_the_class_of_the_result() -> None:
    assert overloads(fn(of("ffi.Array", TENSOR), TENSOR, INT, of("Optional", TENSOR))) == [
        "(_0: _SupportsDLPack, _1: int, _2: _FrameworkTensor, /) -> Array[_FrameworkTensor]",
        "(_0: _FrameworkTensor, _1: int, _2: _SupportsDLPack | None, /) -> Array[_FrameworkTensor]",
        "(_0: _SupportsDLPack, _1: int, _2: _SupportsDLPack | None, /) -> Array[Tensor]",
    ]


@pytest.mark.parametrize(
    "schema",
    [fn(TENSOR, INT), fn(TENSOR, ANY), fn(TENSOR), fn(TENSOR, fn(TENSOR, TENSOR))],
    ids=["number", "any", "nothing", "callback"],
)
def test_a_function_without_tensor_parameters_returns_a_tensor_of_tvm_ffi(schema: Json) -> None:
    (signature_,) = overloads(schema)
    assert signature_.endswith("-> Tensor")
    assert "_FrameworkTensor" not in signature_


def test_methods_and_symbols_that_return_tensors_have_overloads_too() -> None:
    own = of("pkg.A")
    text = stub(
        registry(
            types={
                "pkg.A": cls(
                    method("scale", fn(TENSOR, own, TENSOR)),
                    method("make", fn(own, TENSOR), static=True),
                    method("many", fn(INT, own, INT)),
                    method("many", fn(TENSOR, own, TENSOR)),
                )
            },
            symbols={"scale": function(fn(TENSOR, TENSOR))},
        )
    )
    passed = ["_FrameworkTensor, /) -> _FrameworkTensor", "_SupportsDLPack, /) -> Tensor"]
    assert defined(text, "_Library.scale") == [
        f"@overload\ndef scale(self, _0: {rest}" for rest in passed
    ]
    assert defined(text, "_A.scale") == [
        f"@overload\ndef scale(self, _1: {rest}" for rest in passed
    ]
    assert defined(text, "_A.make") == ["@staticmethod\ndef make(_0: _SupportsDLPack, /) -> A"]
    assert len(defined(text, "_A.many")) == 3


# --- docstrings that this platform cannot read ----------------------------------------------------


def test_functions_with_unchanged_types_keep_the_docs_and_names_of_the_committed_stub() -> None:
    quoted = 'f(number, text)\n\n  Indented "text".\\n'
    docs = {"f": quoted, "g": "Args:\n    x: A text.", "h": "h(y)"}
    schemas = {"f": fn(INT, INT, TEXT), "g": fn(NONE, TEXT), "h": fn(NONE, INT)}
    with_docs = {f"pkg.{name}": function(schemas[name], docs[name]) for name in docs}
    committed = stub(registry(with_docs))
    without = {f"pkg.{name}": function(schema) for name, schema in schemas.items()}
    made = stub(registry(without, finds_docs=False), committed=committed)
    assert made.splitlines()[2:] == committed.splitlines()[2:]
    without["pkg.h"] = function(fn(NONE, TEXT))
    made = stub(registry(without, finds_docs=False), committed=committed)
    assert defined(made, "_Functions.h") == ["@staticmethod\ndef h(_0: str, /) -> None"]
    assert defined(made, "_Functions.g") == ["@staticmethod\ndef g(x: str, /) -> None"]


def test_a_doc_that_was_deleted_is_not_kept_where_docs_can_be_read() -> None:
    committed = stub(registry({"pkg.f": function(fn(INT, INT), "f(number)")}))
    made = stub(registry({"pkg.f": function(fn(INT, INT))}), committed=committed)
    assert defined(made, "_Functions.f") == ["@staticmethod\ndef f(_0: int, /) -> int"]


def test_a_handwritten_class_of_an_unknown_type_is_repeated() -> None:
    whole = ["@register_object('pkg.Mine')", "class Mine(Object):", "    ..."]
    by_hand = Outline(classes=[ClassOutline("Mine", "pkg.Mine", None, whole=whole)])
    text = api_stub(MODULE, by_hand, context(registry()))
    assert "\n".join(whole) in text
