# SPDX-License-Identifier: Apache-2.0
"""The registered names and exported symbols of a library, as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..base.file_digest import digest_of
from ..ffi.type_schema import ANY, FUNCTIONS, Schema, parse_schema
from .python_types import Reference


@dataclass(frozen=True)
class Function:
    """A global function, a method or an exported symbol.

    :param schema: the schema of the function. If none is registered, it allows any types.
    :param typed: whether a schema is registered.
    :param unwritable: whether the generator would write a module that does not compile.
    :param static: whether a method has no ``self``.
    """

    name: str
    schema: Schema
    doc: str | None
    typed: bool = True
    unwritable: bool = False
    static: bool = True


@dataclass(frozen=True)
class Field:
    """A field of a type; see `Function`."""

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
    """A type and its own members, without inherited members.

    :param constructor: whether calling the class creates an object.
    """

    key: str
    parent: str | None
    doc: str | None
    constructor: bool
    fields: tuple[Field, ...]
    methods: tuple[Function, ...]

    @property
    def member_names(self) -> list[str]:
        """The names of fields, then methods, in registration order, with duplicates."""
        return [*(f.name for f in self.fields), *(method.name for method in self.methods)]


@dataclass(frozen=True)
class Registry:
    """The registered names and exported symbols that stubs describe.

    :param functions: global functions by name.
    :param types: types that may get stubs, by type key.
    :param symbols: exported functions by name, without ``__tvm_ffi_``.
    :param parents: the parent of every registered type, by type key.
    :param python_classes: the importable classes of types, by type key.
    :param object_attributes: ``dir(tvm_ffi.Object)``.
    :param module_attributes: ``dir(tvm_ffi.Module)``.
    :param makes_constructors: whether this release of tvm-ffi creates ``__init__`` methods.
    :param finds_docs: whether docs of global functions are available on this platform.
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
        """Yield the ancestors of a type key, parent first."""
        parent = self.parents.get(key)
        while parent is not None:
            yield parent
            parent = self.parents.get(parent)

    def digest(self) -> str:
        """Return a digest of the names, types and docs."""
        content = [sorted(part.items()) for part in (self.functions, self.types, self.symbols)]
        # The result of `repr` depends on Python's Unicode version, the result of `ascii` does not.
        return digest_of(ascii(content).encode())[:16]


def read_registry(answer: Mapping[str, Any]) -> Registry:
    """Create the registry from the result of `ffi/reflection.py`."""
    return Registry(
        functions={name: _function(name, value) for name, value in answer["functions"].items()},
        types={key: _type(key, value) for key, value in answer["types"].items()},
        symbols={name: _function(name, value) for name, value in answer["symbols"].items()},
        parents={key: parent for key, (parent, _) in answer["python_classes"].items()},
        python_classes={
            key: (location[1], location[0])
            for key, (_, location) in answer["python_classes"].items()
            if location is not None
        },
        object_attributes=frozenset(answer["object_attributes"]),
        module_attributes=frozenset(answer["module_attributes"]),
        makes_constructors=answer["makes_constructors"],
        finds_docs=answer["finds_docs"],
    )


def _type(key: str, value: Mapping[str, Any]) -> ObjectType:
    fields = [
        {**field, "schema": schema or ANY, "typed": schema is not None}
        for field in value["fields"]
        for schema in (_schema(field["schema"]),)
    ]
    methods = [_function(method["name"], method) for method in value["methods"]]
    members = {"fields": tuple(Field(**field) for field in fields), "methods": tuple(methods)}
    return ObjectType(**{**value, "key": key, **members})


def _function(name: str, value: Mapping[str, Any]) -> Function:
    schema = _schema(value["schema"])
    typed = schema is not None
    if schema is None or schema.origin not in FUNCTIONS or schema.result is None:
        schema = Schema("ffi.Function", result=ANY)  # with any parameters
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
