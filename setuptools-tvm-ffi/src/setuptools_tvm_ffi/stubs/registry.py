# SPDX-License-Identifier: Apache-2.0
"""What a library registers and exports, as the child process has read it, in dataclasses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..base.file_digest import digest_of
from ..ffi.type_schema import ANY, FUNCTIONS, Schema, parse_schema
from .python_types import Reference


@dataclass(frozen=True)
class Function:
    """A global function, a method or an exported symbol.

    :param schema: always that of a function.
    :param typed: whether it is registered with that schema, and not with none.
    :param unwritable: whether the generator would write a module that does not compile.
    :param static: whether a method takes no object.
    """

    name: str
    schema: Schema
    doc: str | None
    typed: bool = True
    unwritable: bool = False
    static: bool = True


@dataclass(frozen=True)
class Field:
    """A field of a type; see `Function` for what is the same."""

    name: str
    schema: Schema
    doc: str | None
    typed: bool
    read_only: bool
    in_constructor: bool
    keyword_only: bool
    has_default: bool


@dataclass(frozen=True)
class ObjectType:
    """A type: what it has itself, without what it inherits.

    :param constructor: whether objects can be made by calling the class.
    """

    key: str
    parent: str | None
    doc: str | None
    constructor: bool
    fields: tuple[Field, ...]
    methods: tuple[Function, ...]

    @property
    def members(self) -> frozenset[str]:
        """The names of fields and methods."""
        return frozenset(self.member_names)

    @property
    def member_names(self) -> list[str]:
        """Those names in their order, where they are registered twice twice."""
        return [*(f.name for f in self.fields), *(method.name for method in self.methods)]


@dataclass(frozen=True)
class Registry:
    """Everything that stubs are made from.

    :param functions: global functions by name.
    :param types: by type key, those that stubs may be written for.
    :param symbols: exported functions by name, without ``__tvm_ffi_``.
    :param parents: the parent of every registered type, by type key.
    :param python_classes: how the class of a type can be imported, where it has one.
    :param object_attributes: what each object has, ``dir(tvm_ffi.Object)``.
    :param module_attributes: what the library object has, ``dir(tvm_ffi.Module)``.
    :param makes_constructors: whether this release of tvm-ffi gives classes their ``__init__``.
    :param finds_docs: whether docs of global functions can be had on this platform.
    """

    functions: Mapping[str, Function]
    types: Mapping[str, ObjectType]
    symbols: Mapping[str, Function]
    parents: Mapping[str, str | None]
    python_classes: Mapping[str, Reference]
    object_attributes: frozenset[str]
    module_attributes: frozenset[str]
    makes_constructors: bool
    finds_docs: bool = True

    def ancestors(self, key: str) -> Iterator[str]:
        """Yield the type keys above one, the nearest first."""
        parent = self.parents.get(key)
        while parent is not None:
            yield parent
            parent = self.parents.get(parent)

    def digest(self) -> str:
        """Return what tells this registry from another, however a release writes schemas."""
        content = [
            [_facts(function) for _, function in sorted(self.functions.items())],
            [
                [
                    *(key, type_.parent, type_.doc, type_.constructor),
                    *([_field_facts(field) for field in type_.fields],),
                    *([_facts(method) for method in type_.methods],),
                ]
                for key, type_ in sorted(self.types.items())
            ],
            [_facts(symbol) for _, symbol in sorted(self.symbols.items())],
        ]
        return digest_of(json.dumps(content).encode())[:16]


def _facts(function: Function) -> list[Any]:
    return [function.name, _schema_facts(function.schema), function.doc, function.static]


def _field_facts(field: Field) -> list[Any]:
    flags = (field.read_only, field.in_constructor, field.keyword_only, field.has_default)
    return [field.name, _schema_facts(field.schema), field.doc, *flags]


def _schema_facts(schema: Schema | None) -> list[Any] | None:
    if schema is None:
        return None
    parameters = schema.parameters
    return [
        schema.origin,
        [_schema_facts(arg) for arg in schema.args],
        _schema_facts(schema.result),
        None if parameters is None else [_schema_facts(parameter) for parameter in parameters],
    ]


def read_registry(answer: Mapping[str, Any]) -> Registry:
    """Return the registry for the answer of `ffi/reflection.py`."""
    return Registry(
        functions={name: _function(name, value) for name, value in answer["functions"].items()},
        types={key: _type(key, value) for key, value in answer["types"].items()},
        symbols={name: _function(name, value) for name, value in answer["symbols"].items()},
        parents={key: parent for key, (parent, _) in answer["python_classes"].items()},
        python_classes={
            key: (place[1], place[0])
            for key, (_, place) in answer["python_classes"].items()
            if place is not None
        },
        object_attributes=frozenset(answer["object_attributes"]),
        module_attributes=frozenset(answer["module_attributes"]),
        makes_constructors=answer["makes_constructors"],
        finds_docs=answer["finds_docs"],
    )


def _type(key: str, value: Mapping[str, Any]) -> ObjectType:
    return ObjectType(
        key=key,
        parent=value["parent"],
        doc=value["doc"],
        constructor=value["constructor"],
        fields=tuple(
            Field(
                name=field["name"],
                schema=_schema(field["schema"]) or ANY,
                doc=field["doc"],
                typed=_schema(field["schema"]) is not None,
                read_only=field["read_only"],
                in_constructor=field["in_constructor"],
                keyword_only=field["keyword_only"],
                has_default=field["has_default"],
            )
            for field in value["fields"]
        ),
        methods=tuple(_function(method["name"], method) for method in value["methods"]),
    )


def _function(name: str, value: Mapping[str, Any]) -> Function:
    schema = _schema(value["schema"])
    typed = schema is not None
    if schema is None or schema.origin not in FUNCTIONS or schema.result is None:
        schema = Schema("ffi.Function", result=ANY)  # it takes what it takes
    return Function(
        name=name,
        schema=schema,
        doc=value["doc"],
        typed=typed,
        unwritable=value.get("unwritable", False),
        static=value.get("static", True),
    )


def _schema(text: str | None) -> Schema | None:
    try:
        return None if text is None else parse_schema(text)
    except (ValueError, RecursionError):
        return None
