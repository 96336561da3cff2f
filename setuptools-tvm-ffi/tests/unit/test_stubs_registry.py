# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest
from setuptools_tvm_ffi.ffi.type_schema import ANY, Schema
from setuptools_tvm_ffi.stubs.registry import Registry, read_registry

FLAT = {"type": "ffi.Function", "args": [{"type": "int"}, {"type": "ffi.String"}]}
NAMED = {
    "type": "ffi.Function",
    "named_args": {"return": [{"type": "int"}], "params": [{"type": "ffi.String"}]},
}


def function(schema: object = FLAT, doc: str | None = None, **more: object) -> dict[str, Any]:
    return {"schema": json.dumps(schema), "doc": doc, **more}


def object_type(parent: str | None = "ffi.Object", **more: object) -> dict[str, Any]:
    empty: dict[str, Any] = {"doc": None, "constructor": False, "fields": [], "methods": []}
    return {"parent": parent, **empty, **more}


def member(name: str, schema: object, **more: object) -> dict[str, Any]:
    flags = {"read_only": True, "in_constructor": True, "keyword_only": False, "has_default": False}
    return {"name": name, "schema": json.dumps(schema), "doc": None, **flags, **more}


def registry(**parts: object) -> Registry:
    empty: dict[str, Any] = {
        "functions": {},
        "types": {},
        "symbols": {},
        "python_classes": {"ffi.Object": [None, ["tvm_ffi", "Object"]]},
        "module_attributes": ["get_function"],
        "enum_attributes": ["get"],
        "makes_constructors": True,
        "finds_docs": True,
    }
    return read_registry({**empty, **parts})


def test_functions_and_symbols_are_read() -> None:
    found = registry(functions={"pkg.f": function(doc="Doc.")}, symbols={"g": function(NAMED)})
    schema = Schema("ffi.Function", result=Schema("int"), parameters=(Schema("ffi.String"),))
    assert found.functions["pkg.f"].schema == found.symbols["g"].schema == schema
    assert (found.functions["pkg.f"].name, found.functions["pkg.f"].doc) == ("pkg.f", "Doc.")
    assert (found.symbols["g"].name, found.symbols["g"].doc) == ("g", None)
    assert found.functions["pkg.f"].typed


@pytest.mark.parametrize(
    "schema",
    [
        None,
        "",
        "not JSON",
        "[]",
        '{"type": "int"}',
        '{"type": "ffi.Function"}',
        '{"type": "ffi.Function", "args": ["?"]}',
        '{"type":"ffi.Array","args":[' * 100_000,
    ],
    ids=["none", "empty", "text", "list", "no function", "any function", "no type", "deep"],
)
def test_a_function_without_a_valid_schema_accepts_and_returns_anything(
    schema: str | None,
) -> None:
    found = registry(functions={"pkg.f": {"schema": schema, "doc": None}}).functions["pkg.f"]
    assert found.schema == Schema("ffi.Function", result=ANY)


@pytest.mark.parametrize("schema", [None, "", "not JSON", "{}"])
def test_names_without_a_schema_are_not_typed(schema: str | None) -> None:
    broken = {"schema": schema}
    found = registry(
        functions={"pkg.f": {"schema": schema, "doc": None}},
        types={
            "pkg.A": object_type(
                fields=[{**member("x", {}), **broken}],
                methods=[{**member("f", {}), **broken, "static": False}],
            )
        },
    )
    type_ = found.types["pkg.A"]
    assert not found.functions["pkg.f"].typed
    assert (type_.fields[0].typed, type_.fields[0].schema) == (False, ANY)
    assert not type_.methods[0].typed


def test_types_are_read_with_their_members_in_order() -> None:
    fields = [
        member("b", {"type": "int"}, doc="B.", read_only=False),
        member("a", {"type": "bool"}, keyword_only=True, has_default=True, in_constructor=False),
    ]
    methods = [
        {**function(doc="F."), "name": "f", "static": False},
        {**function(), "name": "make", "static": True},
    ]
    found = registry(
        types={
            "pkg.A": object_type(doc="Doc.", constructor=True, fields=fields, methods=methods),
            "pkg.B": object_type("pkg.A"),
        }
    ).types
    type_ = found["pkg.A"]
    assert (type_.key, type_.parent, type_.doc, type_.constructor) == (
        "pkg.A",
        "ffi.Object",
        "Doc.",
        True,
    )
    assert [(f.name, f.doc, f.read_only, f.in_constructor) for f in type_.fields] == [
        ("b", "B.", False, True),
        ("a", None, True, False),
    ]
    assert [(f.keyword_only, f.has_default) for f in type_.fields] == [(False,) * 2, (True,) * 2]
    assert [(m.name, m.doc, m.static) for m in type_.methods] == [
        ("f", "F.", False),
        ("make", None, True),
    ]
    assert type_.member_names == ["b", "a", "f", "make"]
    assert found["pkg.B"].member_names == []


CLASSES = {
    "ffi.Object": [None, ["tvm_ffi", "Object"]],
    "other.Base": ["ffi.Object", ["other", "Base"]],
    "other.hidden": ["other.Base", None],
    "pkg.A": ["other.hidden", None],
}


def test_ancestors_begin_with_the_parent() -> None:
    found = registry(python_classes=CLASSES)
    assert [*found.ancestors("pkg.A")] == ["other.hidden", "other.Base", "ffi.Object"]
    assert [*found.ancestors("ffi.Object")] == []
    assert [*found.ancestors("nobody.Knows")] == []


def test_importable_classes_have_a_name_and_a_module() -> None:
    assert registry(python_classes=CLASSES).python_classes == {
        "ffi.Object": ("Object", "tvm_ffi"),
        "other.Base": ("Base", "other"),
    }


def test_the_digest_does_not_depend_on_the_form_of_a_schema_or_on_order() -> None:
    one = registry(functions={"pkg.f": function(FLAT), "pkg.g": function(FLAT)})
    other = registry(functions={"pkg.g": function(NAMED), "pkg.f": function(NAMED)})
    assert one.digest() == other.digest()


def test_the_digest_is_short_and_alphanumeric() -> None:
    assert registry().digest().isalnum()
    assert len(registry().digest()) == 16


@pytest.mark.parametrize(
    "parts",
    [
        {"functions": {"pkg.f": function()}},
        {"symbols": {"f": function()}},
        {"types": {"pkg.A": object_type()}},
        {"types": {"pkg.A": object_type(doc="Doc.")}},
        {"types": {"pkg.A": object_type(constructor=True)}},
        {"types": {"pkg.A": object_type("pkg.B")}},
        {"types": {"pkg.A": object_type(fields=[member("x", {"type": "int"})])}},
        {"types": {"pkg.A": object_type(fields=[member("x", {"type": "int"}, doc="X.")])}},
        {"types": {"pkg.A": object_type(fields=[member("x", {"type": "bool"})])}},
        {"types": {"pkg.A": object_type(fields=[member("x", {"type": "int"}, keyword_only=True)])}},
        {"types": {"pkg.A": object_type(methods=[{**function(), "name": "x", "static": True}])}},
        {"types": {"pkg.A": object_type(methods=[{**function(), "name": "x", "static": False}])}},
    ],
)
def test_different_registries_have_different_digests(parts: dict[str, Any]) -> None:
    others = [
        registry(),
        registry(functions={"pkg.f": function(doc="Doc.")}),
        registry(functions={"pkg.g": function()}),
        registry(types={"pkg.C": object_type()}),
    ]
    assert registry(**parts).digest() not in {other.digest() for other in others}
    assert registry(**parts).digest() == registry(**parts).digest()
