# SPDX-License-Identifier: Apache-2.0
"""Maps C++ types to Python types.

The annotation of a parameter is a general type that matches many objects, such as ``Sequence``.
The annotation of a result is an exact type, such as ``tvm_ffi.Array``. For a callback, the roles
are reversed, because C++ calls the callback: the callback's parameters have exact types, and its
result has a general type. `docs/types.md` is generated from the tables in this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Union

from ..ffi.type_schema import ANY, FUNCTIONS, Schema

#: The name and the module of a Python class.
Reference = tuple[str, str]

#: A function that imports a name from a module, and returns the alias to use in the stub. The
#: module is ``None`` if the stub defines the name.
Use = Callable[[str, Union[str, None]], str]


@dataclass(frozen=True)
class Rule:
    """A group of C++ types that map to the same Python types.

    In `accepts` and `returns`, ``{Name}`` stands for a key of `NAMES`, and ``{0}`` stands for the
    first argument of the C++ type.

    :param origins: the names of the C++ types in type schemas, see `Schema.origin`.
    :param cxx: the C++ types, as `docs/types.md` shows them.
    :param accepts: the Python type of a parameter.
    :param returns: the Python type of a result.
    """

    origins: tuple[str, ...]
    cxx: str
    accepts: str
    returns: str


#: The Python module of each name in `RULES` and `MODULE_METHODS`.
NAMES: Mapping[str, str | None] = {
    **dict.fromkeys(("Exception", "bool", "bytearray", "bytes", "dict", "float"), "builtins"),
    **dict.fromkeys(("int", "list", "object", "property", "str", "tuple"), "builtins"),
    "c_void_p": "ctypes",
    "Mapping": "collections.abc",
    "Any": "typing",
    "NoReturn": "typing",
    **dict.fromkeys(("Array", "Device", "Dict", "Function", "List", "Map", "Module"), "tvm_ffi"),
    **dict.fromkeys(("Object", "Shape", "Tensor", "dtype"), "tvm_ffi"),
    "Error": "tvm_ffi.core",
    # The stub defines these protocols and this type variable.
    "_Sequence": None,
    "_SupportsDLPack": None,
    "_FrameworkTensor": None,
}

RULES = (
    Rule(("None",), "`void`, `nullptr_t`", "None", "None"),
    Rule(("bool",), "`bool`", "{bool} | {int}", "{bool}"),
    Rule(("int",), "integers and enums", "{int}", "{int}"),
    Rule(("ffi.BigInt",), "`ffi::BigInt`", "{int}", "{int}"),
    Rule(("float",), "`double`, `float`", "{float}", "{float}"),
    Rule(
        ("ffi.String", "ffi.SmallStr", "std::string", "str"),
        "`ffi::String`, `std::string`",
        "{str}",
        "{str}",
    ),
    Rule(
        ("ffi.Bytes", "ffi.SmallBytes", "bytes"),
        "`ffi::Bytes`",
        "{bytes} | {bytearray}",
        "{bytes}",
    ),
    Rule(("const char*",), "`const char*`", "{NoReturn}", "{str}"),
    Rule(("TVMFFIByteArray*",), "`TVMFFIByteArray*`", "{NoReturn}", "{bytes}"),
    Rule(("void*", "ctypes.c_void_p"), "`void*`", "{c_void_p} | None", "{c_void_p}"),
    Rule(("DataType", "dtype"), "`DLDataType`", "{dtype} | {str}", "{dtype}"),
    Rule(("Device",), "`DLDevice`", "{Device} | {str}", "{Device}"),
    Rule(
        ("ffi.Tensor", "DLTensor*", "Tensor"),
        "`ffi::Tensor`, `ffi::TensorView`, `DLTensor*`",
        "{_SupportsDLPack}",
        "{Tensor}",
    ),
    Rule(("ffi.Shape",), "`ffi::Shape`", "{_Sequence}[{int}]", "{Shape}"),
    Rule(
        ("ffi.Array", "std::vector", "std::array", "Array"),
        "`ffi::Array<T>`, `std::vector<T>`, `std::array<T, N>`",
        "{_Sequence}[{0}]",
        "{Array}[{0}]",
    ),
    Rule(("ffi.List", "List"), "`ffi::List<T>`", "{_Sequence}[{0}]", "{List}[{0}]"),
    Rule(
        ("ffi.Map", "std::map", "std::unordered_map", "Map"),
        "`ffi::Map<K, V>`, `std::map<K, V>`, `std::unordered_map<K, V>`",
        "{Mapping}[{0}, {1}]",
        "{Map}[{0}, {1}]",
    ),
    Rule(("ffi.Dict", "Dict"), "`ffi::Dict<K, V>`", "{Mapping}[{0}, {1}]", "{Dict}[{0}, {1}]"),
    Rule(("ObjectRValueRef",), "`ffi::RValueRef<T>`", "{0}", "{0}"),
    Rule(("ffi.Object", "Object"), "`ffi::ObjectRef`, `ffi::Object*`", "{Object}", "{Object}"),
    Rule(("ffi.Module",), "`ffi::Module`", "{Module}", "{Module}"),
    Rule(("ffi.Error",), "`ffi::Error`", "{Error} | {Exception}", "{Error}"),
    Rule(("ffi.OpaquePyObject",), "a Python object as it is", "{object}", "{object}"),
    Rule(("Any",), "`ffi::Any`, `ffi::AnyView`", "{Any}", "{Any}"),
)
_RULES: Mapping[str, Rule] = {origin: rule for rule in RULES for origin in rule.origins}

_TENSORS = frozenset(("ffi.Tensor", "DLTensor*", "Tensor"))
_OPTIONAL = frozenset({"Optional", "std::optional"})
_UNION = frozenset({"Variant", "std::variant", "Union", "Expected", "ObjectRValueRef"})
_TUPLE = frozenset({"Tuple", "std::tuple", "tuple"})

# The classes of the literals that a parameter accepts. The key is the parameter's annotation.
_LITERALS: Mapping[str, tuple[type, ...]] = {
    "None": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bytes": (bytes,),
    "object": (object,),
    "Any": (object,),
}
_INT64 = range(-(2**63), 2**63)


def accepts_literal(schema: Schema, value: object) -> bool:
    """Whether a parameter with this schema accepts a value that `ast.literal_eval` returned."""
    origin = schema.origin
    if origin in _OPTIONAL or (origin in _UNION and schema.args):
        none = origin in _OPTIONAL and value is None
        return none or any(accepts_literal(arg, value) for arg in schema.args)
    if origin in _TUPLE:
        return (
            isinstance(value, tuple)
            and len(value) == len(schema.args)
            and all(map(accepts_literal, schema.args, value))
        )
    if origin == "int" and isinstance(value, int):
        return value in _INT64
    rule = _RULES.get(origin)
    # Split a template such as `{Sequence}[{0}]` into the name of the class and the indices of the
    # type arguments.
    members = [] if rule is None else rule.accepts.split(" | ")
    return any(_matches(re.findall(r"\w+", member), schema.args, value) for member in members)


def _matches(words: Sequence[str], args: Sequence[Schema], value: object) -> bool:
    """Whether a value has the type that a template describes.

    :param words: the words of the template, such as ``Mapping``, ``0`` and ``1``.
    :param args: the types that the indices in `words` refer to.
    """
    name, *indices = (word.lstrip("_") for word in words)
    if name not in {"Sequence", "Mapping"}:
        return isinstance(value, _LITERALS.get(name, ()))
    if not isinstance(value, (list, tuple) if name == "Sequence" else dict):
        return False
    parts = value.items() if isinstance(value, dict) else ((item,) for item in value)
    schemas = [
        # The schema of a container that may contain any type has no arguments: use `ANY`.
        (*args, ANY, ANY)[int(word)] if word.isdecimal() else Schema(word)
        for word in indices
    ]
    return all(all(map(accepts_literal, schemas, part)) for part in parts)


def has_tensor(schema: Schema) -> bool:
    """Whether objects of a type are tensors or contain tensors. Functions contain no tensors."""
    return schema.origin in _TENSORS or any(map(has_tensor, schema.args))


def is_inconvertible(schema: Schema) -> bool:
    """Whether this is a C++ type to which tvm-ffi cannot convert any Python object."""
    return schema.origin in {"const char*", "TVMFFIByteArray*"}


def accepts_none(schema: Schema) -> bool:
    """Whether the annotation of a parameter with this schema contains ``None``."""
    if schema.origin in _UNION:
        return any(map(accepts_none, schema.args))
    rule = _RULES.get(schema.origin)
    return schema.origin in {*_OPTIONAL, "Any"} or (
        rule is not None and "None" in rule.accepts.split(" | ")
    )


def deciding_parameters(parameters: Sequence[Schema]) -> list[int]:
    """Return the parameters that decide the class of returned tensors, in order of precedence.

    A framework's tensor class has the attribute ``__dlpack_c_exchange_api__``. The last argument
    that is an object of a framework's tensor class decides: the call returns tensors of the same
    class. If there is no such argument, the first list or mapping that contains a framework's
    tensor decides.
    """
    found = [number for number, schema in enumerate(parameters) if has_tensor(schema)]
    direct = [number for number in found if _is_direct(parameters[number])]
    return [*reversed(direct), *(number for number in found if number not in direct)]


def _is_direct(schema: Schema) -> bool:
    unions = _OPTIONAL | _UNION
    return schema.origin in _TENSORS or (
        schema.origin in unions and any(map(_is_direct, schema.args))
    )


def _only_tensors(schema: Schema) -> Schema:
    """Remove members without tensors, such as ``None``, from the unions in a type."""
    if schema.origin not in _OPTIONAL | _UNION:
        return schema
    members = tuple(_only_tensors(member) for member in schema.args if has_tensor(member))
    return Schema("Union", members)


@dataclass(frozen=True)
class TypeWriter:
    """Turns type schemas into the Python annotations of one stub.

    :param use: see `Use`.
    :param find_class: a function that returns the Python class for a type key.
    """

    use: Use
    find_class: Callable[[str], Reference]

    def accepted(self, schema: Schema, *, decides: bool = False) -> str:
        """Return the annotation of a parameter with this schema.

        :param decides: whether the argument decides the class of returned tensors, see
            `deciding_parameters`. If it does, the annotation contains the type variable
            ``_FrameworkTensor`` instead of a tensor class.
        """
        if decides:
            return self._written(_only_tensors(schema), accepted=True, own_tensors=False)
        return self._written(schema, accepted=True)

    def returned(self, schema: Schema, *, own_tensors: bool = True) -> str:
        """Return the annotation of a result with this schema.

        :param own_tensors: whether returned tensors are annotated as `tvm_ffi.Tensor`. Otherwise,
            they are annotated with the type variable ``_FrameworkTensor``.
        """
        return self._written(schema, accepted=False, own_tensors=own_tensors)

    def fill(self, template: str, args: Sequence[str] = ()) -> str:
        """Fill a template (see `Rule`): import its names, and insert `args` for its numbers."""

        def replacement(match: re.Match[str]) -> str:
            name = match[1]
            if not name.isdecimal():
                return self._name(name)
            # The schema of a container that may contain any type has no arguments: use `Any`.
            return args[int(name)] if int(name) < len(args) else self._name("Any")

        return re.sub(r"\{(\w+)\}", replacement, template)

    def _written(self, schema: Schema, **how: bool) -> str:
        members = dict.fromkeys(self._members(schema, **how))
        return " | ".join(sorted(members, key="None".__eq__))  # `None` comes last.

    def _members(
        self, schema: Schema, *, accepted: bool, own_tensors: bool = True, exact: bool = False
    ) -> list[str]:
        """Return the annotations of a union's members.

        If the type is not a union, return the annotations of the type. For example, a parameter of
        the type ``bool`` accepts the Python types ``bool`` and ``int``.

        :param exact: whether to use only the first of several Python types for a C++ type.
        """
        origin = schema.origin
        how = {"accepted": accepted, "own_tensors": own_tensors, "exact": exact}
        if origin in _OPTIONAL or (origin in _UNION and schema.args):
            members = [member for arg in schema.args for member in self._members(arg, **how)]
            return [*members, "None"] if origin in _OPTIONAL else members
        if origin in FUNCTIONS:
            return [self._function(schema, accepted=accepted)]
        if origin in _TENSORS and not own_tensors:
            return [self._name("_FrameworkTensor")]
        rule = _RULES.get(origin)
        template = "" if rule is None else rule.accepts if accepted else rule.returns
        # For keys, use only one Python type, because type checkers treat the type of keys as
        # invariant: `dict[bool, T]` is not a `Mapping[bool | int, T]`.
        keys = 1 if template.startswith("{Mapping}") else 0
        args = [
            self._written(arg, **{**how, "exact": exact or number < keys})
            for number, arg in enumerate(schema.args)
        ]
        if origin in _TUPLE:
            return [f"{self._name('tuple')}[{', '.join(args) or '()'}]"]
        if rule is None:
            return [self.use(*self.find_class(origin))]
        alternatives = template.split(" | ")[: 1 if exact else None]
        return [self.fill(member, args) for member in alternatives]

    def _function(self, schema: Schema, *, accepted: bool) -> str:
        if schema.result is None:
            if not accepted:
                return self._name("Function")
            return f"{self.use('Callable', 'collections.abc')}[..., {self._name('object')}]"
        # For a callback, parameters have exact types, and the result has a general type.
        result = self._written(schema.result, accepted=accepted)
        if accepted and schema.result.origin == "None":
            result = self._name("object")  # C++ ignores the callback's result.
        parameters = "..."
        if schema.parameters is not None:
            written = [self._written(p, accepted=not accepted) for p in schema.parameters]
            parameters = f"[{', '.join(written)}]"
        return f"{self.use('Callable', 'collections.abc')}[{parameters}, {result}]"

    def _name(self, name: str) -> str:
        return self.use(name, NAMES[name])
