# SPDX-License-Identifier: Apache-2.0
"""The Python types of C++ types: what a call accepts, and what it returns.

What is accepted is wide, what is returned exact. For a callback it is the other way round: it is
given what C++ returns, and returns what C++ accepts. The tables here are also `docs/types.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Union

from ..ffi.type_schema import FUNCTIONS, Schema

#: Name and module.
Reference = tuple[str, str]

#: Takes name and module, ``None`` for what a stub defines itself; returns how the name is written
#: where it is used, after making it available there.
Use = Callable[[str, Union[str, None]], str]


@dataclass(frozen=True)
class Rule:
    """How the types of some origins are written.

    In `accepts` and `returns` ``{Name}`` is a name of `NAMES` and ``{0}`` an argument of the type.
    """

    origins: tuple[str, ...]
    cxx: str
    accepts: str
    returns: str


#: Where the names of `RULES` come from.
NAMES: Mapping[str, str | None] = {
    **dict.fromkeys(("bool", "bytearray", "bytes", "float", "int", "object", "str"), "builtins"),
    "Exception": "builtins",
    "tuple": "builtins",
    "c_void_p": "ctypes",
    "Mapping": "collections.abc",
    "Sequence": "collections.abc",
    "Any": "typing",
    **dict.fromkeys(("Array", "Device", "Dict", "Function", "List", "Map", "Module"), "tvm_ffi"),
    **dict.fromkeys(("Object", "Shape", "Tensor", "dtype"), "tvm_ffi"),
    "Error": "tvm_ffi.core",
    # A protocol that is written into the stub.
    "_SupportsDLPack": None,
}

RULES = (
    Rule(("None",), "`void`, `nullptr_t`", "None", "None"),
    Rule(("bool",), "`bool`", "{bool}", "{bool}"),
    Rule(("int",), "integers and enums", "{int}", "{int}"),
    Rule(("ffi.BigInt",), "`ffi::BigInt`", "{int}", "{int}"),
    Rule(("float",), "`double`, `float`", "{float}", "{float}"),
    Rule(
        ("ffi.String", "ffi.SmallStr", "std::string", "const char*", "str"),
        "`ffi::String`, `std::string`, `const char*`",
        "{str}",
        "{str}",
    ),
    Rule(
        ("ffi.Bytes", "ffi.SmallBytes", "TVMFFIByteArray*", "bytes"),
        "`ffi::Bytes`, `TVMFFIByteArray*`",
        "{bytes} | {bytearray}",
        "{bytes}",
    ),
    Rule(("void*", "ctypes.c_void_p"), "`void*`", "{c_void_p} | None", "{c_void_p}"),
    Rule(("DataType", "dtype"), "`DLDataType`", "{dtype} | {str}", "{dtype}"),
    Rule(("Device",), "`DLDevice`", "{Device} | {str}", "{Device}"),
    Rule(
        ("ffi.Tensor", "DLTensor*", "Tensor"),
        "`ffi::Tensor`, `ffi::TensorView`, `DLTensor*`",
        "{_SupportsDLPack}",
        "{Tensor}",
    ),
    Rule(("ffi.Shape",), "`ffi::Shape`", "{Sequence}[{int}]", "{Shape}"),
    Rule(
        ("ffi.Array", "std::vector", "std::array", "Array"),
        "`ffi::Array<T>`, `std::vector<T>`, `std::array<T, N>`",
        "{Sequence}[{0}]",
        "{Array}[{0}]",
    ),
    Rule(("ffi.List", "List"), "`ffi::List<T>`", "{Sequence}[{0}]", "{List}[{0}]"),
    Rule(
        ("ffi.Map", "std::map", "std::unordered_map", "Map"),
        "`ffi::Map<K, V>`, `std::map<K, V>`, `std::unordered_map<K, V>`",
        "{Mapping}[{0}, {1}]",
        "{Map}[{0}, {1}]",
    ),
    Rule(("ffi.Dict", "Dict"), "`ffi::Dict<K, V>`", "{Mapping}[{0}, {1}]", "{Dict}[{0}, {1}]"),
    # The first one moves out of an object that nobody else holds; others are taken as they are.
    Rule(("ObjectRValueRef",), "`ffi::RValueRef<T>`", "{0}", "{0}"),
    Rule(("ffi.Object", "Object"), "`ffi::ObjectRef`, `ffi::Object*`", "{Object}", "{Object}"),
    Rule(("ffi.Module",), "`ffi::Module`", "{Module}", "{Module}"),
    Rule(("ffi.Error",), "`ffi::Error`", "{Error} | {Exception}", "{Error}"),
    Rule(("ffi.OpaquePyObject",), "a Python object as it is", "{object}", "{object}"),
    Rule(("Any",), "`ffi::Any`, `ffi::AnyView`", "{Any}", "{Any}"),
)
_RULES: Mapping[str, Rule] = {origin: rule for rule in RULES for origin in rule.origins}

_OPTIONAL = frozenset({"Optional", "std::optional"})
_UNION = frozenset({"Variant", "std::variant", "Union", "Expected"})
_TUPLE = frozenset({"Tuple", "std::tuple", "tuple"})

#: What else there is, for the reference page: C++ and a schema of it.
SPECIAL = (
    ("`ffi::Optional<T>`, `std::optional<T>`", Schema("Optional", (Schema("T"),))),
    ("`ffi::ObjectPtr<T>`", Schema("Optional", (Schema("T"),))),
    ("`ffi::Variant<T, U>`, `std::variant<T, U>`", Schema("Variant", (Schema("T"), Schema("U")))),
    ("`ffi::Expected<T>`", Schema("Expected", (Schema("T"), Schema("ffi.Error")))),
    ("`ffi::Tuple<T, U>`, `std::tuple<T, U>`", Schema("Tuple", (Schema("T"), Schema("U")))),
    ("`ffi::Tuple<>`", Schema("Tuple")),
    (
        "`ffi::TypedFunction<R(T)>`, `std::function<R(T)>`",
        Schema("ffi.Function", result=Schema("R"), parameters=(Schema("T"),)),
    ),
    ("`ffi::Function`", Schema("ffi.Function")),
)


@dataclass(frozen=True)
class TypeWriter:
    """Writes types for one module.

    :param use: see `Use`.
    :param find_class: returns name and module of the Python class of a type key.
    """

    use: Use
    find_class: Callable[[str], Reference]

    def accepted(self, schema: Schema) -> str:
        """Return the type of what may be passed."""
        return self._written(schema, accepted=True)

    def returned(self, schema: Schema) -> str:
        """Return the type of what comes back."""
        return self._written(schema, accepted=False)

    def _written(self, schema: Schema, *, accepted: bool) -> str:
        origin = schema.origin
        args = [self._written(arg, accepted=accepted) for arg in schema.args]
        if origin in _OPTIONAL:
            return _union([*args, "None"])
        if origin in _UNION and args:
            return _union(args)
        if origin in _TUPLE:
            return f"{self._name('tuple')}[{', '.join(args) or '()'}]"
        if origin in FUNCTIONS:
            return self._function(schema, accepted=accepted)
        rule = _RULES.get(origin)
        if rule is None:
            return self.use(*self.find_class(origin))
        template = rule.accepts if accepted else rule.returns

        def replacement(match: re.Match[str]) -> str:
            name = match[1]
            if name.isdecimal():
                index = int(name)
                # Containers of anything come without arguments.
                return args[index] if index < len(args) else self._name("Any")
            return self._name(name)

        return re.sub(r"\{(\w+)\}", replacement, template)

    def _function(self, schema: Schema, *, accepted: bool) -> str:
        if schema.result is None:
            if not accepted:
                return self._name("Function")
            return f"{self.use('Callable', 'collections.abc')}[..., {self._name('object')}]"
        # C++ passes to a callback what it would return, and takes from it what it would accept.
        result = self._written(schema.result, accepted=accepted)
        if accepted and schema.result.origin == "None":
            result = self._name("object")  # what it returns is not looked at
        parameters = "..."
        if schema.parameters is not None:
            written = [self._written(p, accepted=not accepted) for p in schema.parameters]
            parameters = f"[{', '.join(written)}]"
        return f"{self.use('Callable', 'collections.abc')}[{parameters}, {result}]"

    def _name(self, name: str) -> str:
        return self.use(name, NAMES[name])


def _union(members: list[str]) -> str:
    """Return a union without what is in it twice, ``None`` last.

    >>> _union(["int", "int | None", "str"])
    'int | str | None'
    """
    parts: dict[str, None] = {}
    for member in members:
        parts.update(dict.fromkeys(_split_union(member)))
    none = parts.pop("None", 0) is None
    return " | ".join([*parts, "None"] if none else parts)


def _split_union(text: str) -> list[str]:
    parts, depth, begin = [], 0, 0
    for at, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if character == "|" and depth == 0:
            parts.append(text[begin:at].strip())
            begin = at + 1
    return [*parts, text[begin:].strip()]
