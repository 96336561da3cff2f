# SPDX-License-Identifier: Apache-2.0
"""Type schemas as the registry holds them, read from JSON into a tree.

What ``TypeTraits<T>::TypeSchema()`` of a C++ type writes: ``{"type": …, "args": […]}``, and for
functions ``"named_args": {"return": […], "params": […]}`` from the headers of 0.1.15 on, before
that a flat list with the result first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FUNCTIONS = frozenset({"ffi.Function", "std::function"})


@dataclass(frozen=True)
class Schema:
    """One type.

    :param origin: the registry's word: ``int``, ``ffi.Array``, ``std::map``, a type key …
    :param args: of a generic type.
    :param result: what a function returns; ``None`` for other types, and functions of any kind.
    :param parameters: what a function takes; ``None`` where that is not known.
    """

    origin: str
    args: tuple[Schema, ...] = ()
    result: Schema | None = None
    parameters: tuple[Schema, ...] | None = None


ANY = Schema("Any")


def parse_schema(text: str) -> Schema:
    """Return the tree for a schema's JSON.

    :raises ValueError: it is no schema.
    """
    return _schema(json.loads(text))


def _schema(value: object) -> Schema:
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
        raise ValueError(f"no type schema: {value!r}")  # noqa: TRY004 - it comes from JSON
    origin: str = value["type"]
    args = value.get("args")
    args = args if isinstance(args, list) else []
    # `std::array` has its length among its arguments.
    types: list[Any] = [arg for arg in args if isinstance(arg, Mapping)]
    if origin not in FUNCTIONS:
        return Schema(origin, tuple(map(_schema, types)))
    named = value.get("named_args")
    results: Any = types[:1]
    parameters: Any = types[1:] if types else None
    if isinstance(named, Mapping):
        results, parameters = named.get("return", []), named.get("params")
    elif len(args) == 2 and isinstance(args[1], list):  # noqa: PLR2004 - std::function of old
        parameters = args[1]
    if not isinstance(results, list) or not isinstance(parameters, (list, type(None))):
        raise ValueError(f"no type schema: {value!r}")  # noqa: TRY004 - it comes from JSON
    return Schema(
        origin,
        result=_schema(results[0]) if results else None,
        parameters=None if parameters is None else tuple(map(_schema, parameters)),
    )
