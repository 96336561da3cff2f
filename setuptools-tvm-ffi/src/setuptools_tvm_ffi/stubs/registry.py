# SPDX-License-Identifier: Apache-2.0
"""What a library registers and exports, as the child process has read it, in dataclasses."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import PREFIX
from .python_types import Reference
from .schema import ANY, FUNCTIONS, Schema, parse_schema

logger = logging.getLogger(__name__)

# Without a schema a function takes anything.
_UNKNOWN = Schema("ffi.Function", result=ANY)


@dataclass(frozen=True)
class Function:
    """A global function, a method or an exported symbol.

    :param schema: always that of a function.
    :param static: whether a method takes no object.
    """

    name: str
    schema: Schema
    doc: str | None
    static: bool = True


@dataclass(frozen=True)
class Field:
    """A field of a type."""

    name: str
    schema: Schema
    doc: str | None
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
    """

    functions: Mapping[str, Function]
    types: Mapping[str, ObjectType]
    symbols: Mapping[str, Function]
    parents: Mapping[str, str | None]
    python_classes: Mapping[str, Reference]
    object_attributes: frozenset[str]
    module_attributes: frozenset[str]
    makes_constructors: bool

    def ancestors(self, key: str) -> Iterator[str]:
        """Yield the type keys above one, the nearest first."""
        parent = self.parents.get(key)
        while parent is not None:
            yield parent
            parent = self.parents.get(parent)

    def digest(self) -> str:
        """Return what tells this registry from another, however a release writes schemas."""
        content = (self.functions, self.types, self.symbols)
        return hashlib.sha256(repr([sorted(c.items()) for c in content]).encode()).hexdigest()[:16]


def read_registry(answer: Mapping[str, Any]) -> Registry:
    """Return the registry for the answer of `tvm_ffi_process/reflection.py`."""
    return Registry(
        functions={
            name: _function(name, name, value) for name, value in answer["functions"].items()
        },
        types={key: _type(key, value) for key, value in answer["types"].items()},
        symbols={
            name: _function(f"LIB.{name}", name, value) for name, value in answer["symbols"].items()
        },
        parents={key: parent for key, (parent, _) in answer["python_classes"].items()},
        python_classes={
            key: (place[1], place[0])
            for key, (_, place) in answer["python_classes"].items()
            if place is not None
        },
        object_attributes=frozenset(answer["object_attributes"]),
        module_attributes=frozenset(answer["module_attributes"]),
        makes_constructors=answer["makes_constructors"],
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
                schema=_schema(f"{key}.{field['name']}", field["schema"], ANY),
                doc=field["doc"],
                read_only=field["read_only"],
                in_constructor=field["in_constructor"],
                keyword_only=field["keyword_only"],
                has_default=field["has_default"],
            )
            for field in value["fields"]
        ),
        methods=tuple(
            _function(f"{key}.{method['name']}", method["name"], method)
            for method in value["methods"]
        ),
    )


def _function(place: str, name: str, value: Mapping[str, Any]) -> Function:
    schema = _schema(place, value["schema"], _UNKNOWN)
    if schema.origin not in FUNCTIONS or schema.result is None:
        schema = _UNKNOWN
    return Function(name, schema, value["doc"], value.get("static", True))


def _schema(place: str, text: str | None, unknown: Schema) -> Schema:
    if text is None:
        return unknown
    try:
        return parse_schema(text)
    except (ValueError, RecursionError):
        logger.warning("%s: warning: %r: its type schema cannot be read", PREFIX, place)
        return unknown
