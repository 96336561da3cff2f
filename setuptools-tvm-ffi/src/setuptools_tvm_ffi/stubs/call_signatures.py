# SPDX-License-Identifier: Apache-2.0
"""Reads the parameters that docstrings declare. The setting `call-signatures` enables this.

The first line of such a docstring is a signature, such as ``clamp(x, lower=0.0, *, upper=1.0)``.
"""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..base.errors import BuildError
from ..ffi.type_schema import Schema
from ..settings import ExtensionSettings
from .parameters import parse_arguments, signature_line
from .places import Places
from .python_types import TypeWriter, accepts_literal
from .registry import Function, Registry

#: The parameters that callers pass to each function. The key is the kind and the name of the
#: function. The kind is ``function``, ``symbol`` or ``method``. For a method, the name is
#: ``<type key>.<method>``.
Signatures = Mapping[tuple[str, str], inspect.Signature]

#: The registered name of the method that creates an object. Its name in Python is ``__init__``.
CONSTRUCTOR = "__ffi_init__"

_Parameter = inspect.Parameter


@dataclass(frozen=True)
class _Candidate:
    """A function whose docstring may declare parameters.

    :param names: the possible names of the function in its docstring.
    :param given: how many of the schema's first parameters to skip, because callers do not pass
        these parameters. An example is ``self``.
    :param takes_self: whether the stub has a parameter ``self``.
    """

    kind: str
    name: str
    function: Function
    names: Collection[str]
    given: int = 0
    takes_self: bool = False


class _UnfitLineError(Exception):
    """The first line of a docstring does not fit the registered types."""


def find_signatures(
    settings: ExtensionSettings,
    registry: Registry,
    left_out: Collection[tuple[str, str]],
    places: Places,
) -> Signatures:
    """Return the parameters that docstrings declare.

    The result omits handwritten functions, overloaded methods, and functions whose docstring
    declares only positional-only parameters without defaults.

    :param registry: the functions, types and symbols that get stubs.
    :param left_out: the kind and the name of each item without a stub, see `NameProblem`.
    :raises BuildError: declared parameters do not fit the registered types.
    """
    result: dict[tuple[str, str], inspect.Signature] = {}
    problems = []
    for candidate in _candidates(settings.prefix, registry, left_out, places):
        line = signature_line(candidate.function.doc, candidate.names)
        types = candidate.function.schema.parameters
        if line is None or types is None:
            continue
        try:
            signature = _read(line, types[candidate.given :], takes_self=candidate.takes_self)
        except _UnfitLineError as problem:
            problems.append(
                f"{candidate.kind} {candidate.name!r}: the docstring declares {line!r}, but the "
                f"registered signature is {_registered(candidate)}: {problem}"
            )
            continue
        if all(
            p.kind is _Parameter.POSITIONAL_ONLY and p.default is _Parameter.empty
            for p in signature.parameters.values()
        ):
            continue
        if candidate.function.name == CONSTRUCTOR and not registry.makes_constructors:
            problems.append(
                f"{candidate.kind} {candidate.name!r}: the docstring declares {line!r}, but "
                "keywords and defaults of constructors require apache-tvm-ffi 0.1.10 or newer"
            )
        result[candidate.kind, candidate.name] = signature
    if problems:
        raise BuildError(
            "\n".join(f"{settings.place('call_signatures')}: {problem}" for problem in problems),
            hint="correct the first line of the docstring in the source; to make the parameters "
            "positional-only instead, begin the docstring with a sentence",
        )
    return result


def _candidates(
    prefix: str, registry: Registry, left_out: Collection[tuple[str, str]], places: Places
) -> Iterator[_Candidate]:
    for name, function in sorted(registry.functions.items()):
        package, dot, last = name.rpartition(".")
        if not places.is_handwritten(places.of_functions(package + dot), last):
            yield _Candidate("function", name, function, {last})
    # If a function is registered as `LIB`, the name `LIB` in the module refers to this function.
    # The stub then does not declare the library's symbols.
    if f"{prefix}LIB" not in registry.functions:
        for name, function in sorted(registry.symbols.items()):
            if ("symbol", name) not in left_out:
                yield _Candidate("symbol", name, function, {name}, takes_self=True)
    for key, type_ in sorted(registry.types.items()):
        path, class_name = places.of_class(key)
        count = Counter(type_.member_names)
        for method in type_.methods:
            name = method.name
            is_constructor = name == CONSTRUCTOR
            own_name = f"{class_name}.{'__init__' if is_constructor else name}"
            if (
                count[name] > 1  # The method is overloaded, or a field has the same name.
                or ("member", f"{key}.{name}") in left_out
                or places.is_handwritten(path, own_name)
                or (is_constructor and registry.is_enum(key))
            ):
                continue
            is_bound = not method.static and not is_constructor
            yield _Candidate(
                *("method", f"{key}.{name}", method),
                names={class_name, key.rpartition(".")[2]} if is_constructor else {name},
                given=int(is_bound),
                takes_self=is_bound or is_constructor,
            )


def _read(line: str, types: Sequence[Schema], *, takes_self: bool) -> inspect.Signature:
    """Return the parameters that a signature line declares, without ``self``.

    :param types: the types of the parameters that callers pass.
    :raises _UnfitLineError: the parameters do not fit the types.
    """
    arguments = parse_arguments(line)
    if arguments is None:
        raise _UnfitLineError("the line is not a Python signature")
    if arguments.vararg or arguments.kwarg:
        raise _UnfitLineError("the line has parameters with *, but their number is fixed")
    found = [
        *((arg.arg, _Parameter.POSITIONAL_ONLY) for arg in arguments.posonlyargs),
        *((arg.arg, _Parameter.POSITIONAL_OR_KEYWORD) for arg in arguments.args),
        *((arg.arg, _Parameter.KEYWORD_ONLY) for arg in arguments.kwonlyargs),
    ]
    required = len(found) - len(arguments.defaults) - len(arguments.kwonlyargs)
    defaults = [*[None] * required, *arguments.defaults, *arguments.kw_defaults]
    names = [name for name, _ in found]
    if takes_self and names[:1] == ["self"]:
        del found[0], defaults[0], names[0]
    if len(names) != len(types):
        raise _UnfitLineError(f"{len(types)} parameters are registered, the line has {len(names)}")
    if len({*names, *["self"] * takes_self}) != len(names) + takes_self:
        raise _UnfitLineError("a parameter occurs twice")
    return inspect.Signature(
        [
            _Parameter(name, kind, default=_default(name, default, type_))
            for (name, kind), default, type_ in zip(found, defaults, types)
        ]
    )


def _default(name: str, expression: ast.expr | None, schema: Schema) -> object:
    if expression is None:
        return _Parameter.empty
    text = f"the default {ast.unparse(expression)} of {name!r}"
    try:
        value = ast.literal_eval(expression)
        ast.literal_eval(repr(value))  # The value of `1e999` is `inf`, which is not a literal.
    except (ValueError, TypeError, MemoryError, RecursionError):
        raise _UnfitLineError(f"{text} is not a Python literal") from None
    if not accepts_literal(schema, value):
        raise _UnfitLineError(f"{text} is not a value of {_written(schema)}")
    return value


def _registered(candidate: _Candidate) -> str:
    schema = candidate.function.schema
    assert schema.parameters is not None
    assert schema.result is not None
    parameters = ", ".join(map(_written, schema.parameters[candidate.given :]))
    return f"({parameters}) -> {_written(schema.result)}"


def _written(schema: Schema) -> str:
    return TypeWriter(lambda name, _: name, lambda key: (key, "")).returned(schema)
