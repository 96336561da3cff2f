# SPDX-License-Identifier: Apache-2.0
"""Parses the registry's type schemas, which are JSON.

The C++ function ``TypeTraits<T>::TypeSchema()`` returns ``{"type": …, "args": […]}``. For a
function type, headers since 0.1.15 add ``"named_args": {"return": […], "params": […]}``. In older
headers, ``args`` of a function type contains the result, and then the parameters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FUNCTIONS = frozenset({"ffi.Function", "std::function"})


@dataclass(frozen=True)
class Schema:
    """A C++ type in a type schema.

    :param origin: the type's name without arguments: ``int``, ``ffi.Array``, ``std::map``, …
    :param args: the arguments of a generic type.
    :param result: for a function type, the type of the result, or ``None`` if it is unknown. For
        any other type, ``None``.
    :param parameters: for a function type, the types of the parameters, or ``None`` if they are
        unknown. For any other type, ``None``.
    """

    origin: str
    args: tuple[Schema, ...] = ()
    result: Schema | None = None
    parameters: tuple[Schema, ...] | None = None

    def __str__(self) -> str:
        """Return the type in a notation that is the same in every release of the plugin.

        >>> str(Schema("ffi.Map", (Schema("int"), ANY)))
        'ffi.Map<int, Any>'
        >>> str(Schema("ffi.Function", result=ANY, parameters=(Schema("int"),)))
        'ffi.Function<Any(int)>'
        """
        args = ", ".join(map(str, self.args))
        if self.origin in FUNCTIONS:
            known = self.parameters is not None
            parameters = ", ".join(map(str, self.parameters or ())) if known else "..."
            args = f"{self.result or '...'}({parameters})"
        return f"{self.origin}<{args}>" if args else self.origin


ANY = Schema("Any")


def parse_schema(text: str) -> Schema:
    """Parse the JSON of a schema.

    :raises ValueError: the text is not a schema.
    """
    return _schema(json.loads(text))


def _schema(value: object) -> Schema:
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
        raise ValueError(f"not a type schema: {value!r}")  # noqa: TRY004 - it comes from JSON
    origin: str = value["type"]
    args = value.get("args")
    args = args if isinstance(args, list) else []
    # Skip arguments that are not types, such as the length of `std::array`.
    types: list[Any] = [arg for arg in args if isinstance(arg, Mapping)]
    if origin not in FUNCTIONS:
        return Schema(origin, tuple(map(_schema, types)))
    named = value.get("named_args")
    results: Any = types[:1]
    parameters: Any = types[1:] if types else None
    if isinstance(named, Mapping):
        results, parameters = named.get("return", []), named.get("params")
    elif len(args) == 2 and isinstance(args[1], list):  # noqa: PLR2004 - an old std::function
        parameters = args[1]
    if not isinstance(results, list) or not isinstance(parameters, (list, type(None))):
        raise ValueError(f"not a type schema: {value!r}")  # noqa: TRY004 - it comes from JSON
    return Schema(
        origin,
        result=_schema(results[0]) if results else None,
        parameters=None if parameters is None else tuple(map(_schema, parameters)),
    )
