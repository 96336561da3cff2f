# SPDX-License-Identifier: Apache-2.0
"""The registered names and exported symbols of a library, as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..base.file_digest import digest_of
from ..ffi.type_schema import ANY, FUNCTIONS, Schema, parse_schema
from .python_types import Reference


@dataclass(frozen=True)
class Function:
    """A global function, a method or an exported symbol.

    :param schema: the type schema. If the library registers no schema, `schema` is a schema that
        allows any types.
    :param typed: whether the library registers a schema.
    :param unwritable: whether the generator would write invalid Python for this function.
    :param static: for a method, whether it has no ``self``.
    """

    name: str
    schema: Schema
    doc: str | None
    typed: bool = True
    unwritable: bool = False
    static: bool = True


@dataclass(frozen=True)
class Field:
    """A field of a type. For `schema` and `typed`, see `Function`.

    :param in_constructor: whether the constructor has a parameter for this field.
    :param default: the source text of the default value, or ``None`` if it is not a short literal.
    """

    name: str
    schema: Schema
    doc: str | None
    typed: bool
    read_only: bool
    in_constructor: bool
    keyword_only: bool
    has_default: bool
    default: str | None = None


@dataclass(frozen=True)
class ObjectType:
    """A type and its members, without inherited members.

    :param constructor: whether Python code can create objects by calling the class.
    :param entries: for an enumeration, the integer of each entry. The key is the entry's name.
    """

    key: str
    parent: str | None
    doc: str | None
    constructor: bool
    fields: tuple[Field, ...]
    methods: tuple[Function, ...]
    entries: Mapping[str, int] = field(default_factory=dict)

    @property
    def member_names(self) -> list[str]:
        """The names of the fields, then of the methods. An overloaded name occurs several times."""
        return [*(f.name for f in self.fields), *(method.name for method in self.methods)]


@dataclass(frozen=True)
class Registry:
    """The registered names and exported symbols that stubs describe.

    :param functions: each global function by its name.
    :param types: each type that may get a stub, by its type key.
    :param symbols: each exported function by its name without ``__tvm_ffi_``.
    :param parents: the type key of the parent for each registered type; ``None`` if the type has no
        parent.
    :param python_classes: the Python class for each type key. Classes that Python code cannot
        import are omitted.
    :param module_attributes: the result of ``dir(tvm_ffi.Module)``.
    :param enum_attributes: the attributes of the Python class of enumerations.
    :param makes_constructors: whether the installed tvm_ffi creates ``__init__`` methods.
    :param finds_docs: whether the child process can read the docs of global functions.
    """

    functions: Mapping[str, Function]
    types: Mapping[str, ObjectType]
    symbols: Mapping[str, Function]
    parents: Mapping[str, str | None]
    python_classes: Mapping[str, Reference]
    module_attributes: frozenset[str]
    makes_constructors: bool
    finds_docs: bool = True
    enum_attributes: frozenset[str] = frozenset()

    def is_enum(self, key: str) -> bool:
        """Whether a type is an enumeration."""
        return "ffi.Enum" in self.ancestors(key)

    def ancestors(self, key: str) -> Iterator[str]:
        """Yield the type keys of the ancestors of a type. The parent comes first."""
        parent = self.parents.get(key)
        while parent is not None:
            yield parent
            parent = self.parents.get(parent)

    def digest(self) -> str:
        """Return a digest of all functions, types and symbols, with their docs."""
        content = [sorted(part.items()) for part in (self.functions, self.types, self.symbols)]
        # Use `ascii`, because the result of `repr` depends on the Unicode version of Python.
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
        module_attributes=frozenset(answer["module_attributes"]),
        makes_constructors=answer["makes_constructors"],
        finds_docs=answer["finds_docs"],
        enum_attributes=frozenset(answer["enum_attributes"]),
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
        schema = Schema("ffi.Function", result=ANY)  # This schema allows any parameters.
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
