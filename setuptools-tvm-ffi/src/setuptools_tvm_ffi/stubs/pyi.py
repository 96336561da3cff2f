# SPDX-License-Identifier: Apache-2.0
"""Writes the ``.pyi`` files of generated modules, for type checkers and editors.

The interpreter does not read ``.pyi`` files, so they may use syntax of newer Python versions.

https://typing.python.org/en/latest/spec/distributing.html#stub-files
"""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._version import __version__
from ..ffi.module_methods import MODULE_METHODS
from ..ffi.type_schema import Schema
from . import kept_docs
from .call_signatures import CONSTRUCTOR, Signatures
from .directives import SIGNATURE
from .docstrings import docstring_lines as _docstring
from .imports import ImportAliases
from .outline import ClassOutline, Outline
from .parameters import parameter_names
from .python_types import (
    Reference,
    TypeWriter,
    accepts_none,
    deciding_parameters,
    has_tensor,
)
from .registry import Field, Function, ObjectType, Registry

_INDENT = "    "
_OBJECT = "ffi.Object"
# The protocols and type variables that a stub can define for its annotations.
_TYPE_NAMES = ("Item", "Sequence", "SupportsDLPack", "SupportsDLPackExchange", "FrameworkTensor")
# The generator replaces these abbreviations at the start of module names in `ty-map` directives.
_MODULES = {"ffi": "tvm_ffi", "testing": "tvm_ffi.testing"}


@dataclass(frozen=True)
class StubContext:
    """The inputs that all ``.pyi`` files of one library share.

    :param tvm_ffi_version: the version of apache-tvm-ffi.
    :param left_out: the kind and the name of each item without a stub, see `NameProblem`.
    :param class_modules: for each type key of this distribution, the name and the module of the
        Python class.
    :param type_map: for each type key in a ``ty-map`` directive, the dotted name of the class.
    :param target: the base name of the library, without ``lib`` and ``.so``.
    :param signatures: the parameters of functions that accept keywords or have defaults.
    :param added: the dotted names of the modules to which the build adds code, see `additions`.
    """

    registry: Registry
    tvm_ffi_version: str
    left_out: Collection[tuple[str, str]]
    class_modules: Mapping[str, Reference]
    type_map: Mapping[str, str]
    target: str
    signatures: Signatures = field(default_factory=dict)
    added: Collection[str] = ()


def is_ours(content: bytes) -> bool:
    """Whether the content of a ``.pyi`` file shows that the plugin wrote the file."""
    return content.startswith(SIGNATURE.encode())


def header(context: StubContext) -> str:
    """Return the first two lines of every ``.pyi`` file. They contain the tool versions."""
    return (
        f"{SIGNATURE} from the registry of the library. Do not edit.\n"
        f"# setuptools-tvm-ffi {__version__}, apache-tvm-ffi {context.tvm_ffi_version}, "
        f"registry {context.registry.digest()}\n"
    )


def api_stub(module: str, outline: Outline, context: StubContext, committed: str = "") -> str:
    """Return the ``.pyi`` file of a module with ``global/`` and ``object/`` blocks.

    :param module: the dotted name of the module.
    :param committed: the ``.pyi`` file in the source tree. If the build cannot read the docstrings
        of global functions from the library, it copies the docstrings from this file, but only for
        functions with unchanged types.
    """
    kept = {} if context.registry.finds_docs else kept_docs.definitions(committed)
    return _ApiWriter(module, outline, context, kept).text()


def package_stub(doc: str | None, api: Outline, context: StubContext) -> str:
    """Return the ``.pyi`` file of an ``__init__.py`` that only re-exports names of ``_ffi_api``.

    In ``__init__.py``, `tvm-ffi-stubgen` writes ``__all__.extend(…)`` with a variable. Type
    checkers do not support this code: for them, ``from package import *`` would import nothing.

    :param doc: the docstring of ``__init__.py``.
    :param api: the outline of ``_ffi_api``.
    """
    names = sorted(api.exported or ())
    lines = [header(context)]
    lines += [*_docstring(doc, ""), ""] if doc else []
    lines += ["from ._ffi_api import (", *(f"    {name} as {name}," for name in names), ")", ""]
    lines += _all(names)
    return "\n".join(lines) + "\n"


class _ApiWriter:
    def __init__(
        self,
        module: str,
        outline: Outline,
        context: StubContext,
        kept: kept_docs.Definitions,
    ) -> None:
        self._kept = kept
        self._outline = outline
        self._context = context
        self._registry = context.registry
        self._functions = [
            function
            for name, function in sorted(self._registry.functions.items())
            if f"{name.rpartition('.')[0]}." in outline.prefixes
            and ("function", name) not in context.left_out
            and name.rpartition(".")[2] not in outline.own_names
        ]
        self._types = {
            item.key: self._registry.types[item.key]
            for item in outline.classes
            if item.key in self._registry.types
        }
        functions = {_last(function.name) for function in self._functions}
        classes = {item.name for item in outline.classes}
        defined = {*functions, *classes, *outline.own_names, *outline.imported_names, "LIB"}
        self._symbols = [
            symbol
            for name, symbol in sorted(self._registry.symbols.items())
            if outline.library == context.target and ("symbol", name) not in context.left_out
        ]
        members = {name for type_ in self._types.values() for name in type_.member_names}
        members |= {name for item in outline.classes for name in item.own_names}
        members |= {symbol.name for symbol in self._symbols} | functions
        # Some definitions of the stub do not exist at run time. Choose unused names for them.
        self._private: dict[str, str] = {}
        wanted = ("Functions", "Library", "Object", "ObjectMeta", "entry", *_TYPE_NAMES)
        for name in (*(f"class {item.name}" for item in outline.classes), *wanted):
            private = f"_{name.rpartition(' ')[2]}"
            while private in defined or private in members:
                private = f"_{private}"
            self._private[name] = private
            defined.add(private)
        self._names = ImportAliases(
            module,
            frozenset(defined),
            frozenset(members),
            {f"_{name}": self._private[name] for name in _TYPE_NAMES},
        )
        self._module = module
        self._classes = {item.key: item.name for item in outline.classes}
        self._types_of = TypeWriter(self._names.use, self._find_class)

    def text(self) -> str:
        blocks = [
            *self._library(),
            *self._global_functions(),
            *self._object_types(),
            *([["\n".join(self._outline.own)]] if self._outline.own else []),
        ]
        bodies = ["\n".join(block) for block in blocks]
        aliases = [f"{alias} = {name}" for name, alias in sorted(self._names.aliases.items())]
        body = [*self._protocols(), *bodies, *aliases]
        lines = [header(self._context)]
        if self._outline.doc:
            lines += [*_docstring(self._outline.doc, ""), ""]
        lines += [*self._outline.imports, *self._names.lines(), ""]
        if self._outline.exported is not None:
            lines += [*_all(self._outline.exported), ""]
        return "\n".join(lines) + "\n" + "\n\n".join(body) + "\n" * bool(body)

    # --- names ----------------------------------------------------------------------------------

    def _use(self, name: str, module: str = "typing") -> str:
        return self._names.use(name, module)

    def _find_class(self, key: str) -> Reference:
        mapped = self._context.type_map.get(key)
        if mapped is not None:
            module, _, name = mapped.rpartition(".")
            first, dot, rest = module.partition(".")
            return name, f"{_MODULES.get(first, first)}{dot}{rest}" or self._module
        if key in self._classes:
            return self._classes[key], self._module
        for candidate in (key, *self._registry.ancestors(key)):
            if candidate in self._context.class_modules:
                return self._context.class_modules[candidate]
            if candidate in self._registry.python_classes:
                return self._registry.python_classes[candidate]
        return "Object", "tvm_ffi"

    def _protocols(self) -> Iterator[str]:
        """Yield the definitions of the protocols and type variables that the stub uses."""
        use, private = self._use, self._private
        as_object = use("object", "builtins") if self._names.used else ""
        if "_Sequence" in self._names.used:
            item = private["Item"]
            iterator = f"{use('Iterator', 'collections.abc')}[{item}]"
            yield f'{item} = {use("TypeVar")}("{item}", covariant=True)'
            # At run time, a call accepts objects of all classes that match this protocol, except
            # `tvm_ffi.Shape`. A call rejects `str`, `bytes`, `deque`, `range` and `memoryview`, and
            # these classes do not match: `__contains__` of `str` and `bytes` has other types,
            # `__getitem__` of `deque` has other types, and `range` and `memoryview` have no
            # `__add__`. The parameter of `__add__` has the type `NoReturn`, because with the type
            # `Any`, mypy (2.4) would not check the items of a list.
            yield (
                f"@{use('type_check_only')}\n"
                f"class {private['Sequence']}({use('Iterable', 'collections.abc')}[{item}], "
                f"{use('Protocol')}[{item}]):\n"
                f'{_INDENT}"""A list, a tuple, or a sequence of tvm_ffi."""\n\n'
                f"{_INDENT}def __contains__(self, value: {as_object}, /) -> "
                f"{use('bool', 'builtins')}: ...\n"
                f"{_INDENT}def __reversed__(self) -> {iterator}: ...\n"
                f"{_INDENT}def __getitem__(self, index: {use('slice', 'builtins')}, /) -> "
                f"{use('Sequence', 'collections.abc')}[{item}]: ...\n"
                f"{_INDENT}def __add__(self, other: {use('NoReturn')}, /) -> {as_object}: ..."
            )
        if "_SupportsDLPack" in self._names.used:
            yield (
                f"@{use('type_check_only')}\n"
                f"class {private['SupportsDLPack']}({use('Protocol')}):\n"
                f'{_INDENT}"""A tensor of any framework: it has ``__dlpack__``."""\n\n'
                f"{_INDENT}def __dlpack__(self) -> {as_object}: ..."
            )
        if "_FrameworkTensor" in self._names.used:
            variable, protocol = private["FrameworkTensor"], private["SupportsDLPackExchange"]
            yield (
                f"@{use('type_check_only')}\n"
                f"class {protocol}({use('Protocol')}):\n"
                f'{_INDENT}"""A tensor of a framework whose tensors calls return."""\n\n'
                f"{_INDENT}@{use('property', 'builtins')}\n"
                f"{_INDENT}def __dlpack_c_exchange_api__(self) -> {as_object}: ..."
            )
            yield f'{variable} = {use("TypeVar")}("{variable}", bound={protocol})'

    # --- the library ----------------------------------------------------------------------------

    def _library(self) -> Iterator[list[str]]:
        library = self._outline.library
        if library is None:
            return
        if any(_last(function.name) == "LIB" for function in self._functions):
            return  # In this module, `LIB` is a registered function, not the library.
        if library != self._context.target:
            yield [f"LIB: {self._use('Final')}[{self._use('Module', 'tvm_ffi')}]"]
            return
        lines = [
            f"@{self._use('type_check_only')}",
            f"class {self._private['Library']}({self._use('Protocol')}):",
            f'{_INDENT}"""The functions that the library exports."""',
        ]
        taken = {symbol.name for symbol in self._symbols}
        for symbol in self._symbols:
            signature = self._signature("symbol", symbol.name)
            method = self._overloads(symbol, symbol.name, signature=signature, takes_self=True)
            lines += ["", *_indented(method)]
        for name, definition in MODULE_METHODS.items():
            if name not in taken and name in self._registry.module_attributes:
                lines += ["", *_indented(self._types_of.fill(definition).splitlines())]
        yield lines
        yield [f"LIB: {self._use('Final')}[{self._private['Library']}]"]

    # --- global functions -----------------------------------------------------------------------

    def _global_functions(self) -> Iterator[list[str]]:
        """Yield a class whose static methods are the functions, and an alias for each method.

        At run time, a function without keywords is an object of `tvm_ffi.Function`. If the stub
        declared such a function with ``def``, stubtest would report an error, and jedi would search
        for the docstring in the ``.py`` file, which does not contain the docstring.
        """
        if not self._functions:
            return
        holder = self._private["Functions"]
        lines = [f"@{self._use('type_check_only')}", f"class {holder}:"]
        for number, function in enumerate(self._functions):
            lines += [*([""] if number else []), *_indented(self._global_function(function))]
        yield lines
        names = [_last(function.name) for function in self._functions]
        yield [f"{name} = {holder}.{name}" for name in names]

    def _global_function(self, function: Function) -> list[str]:
        name = _last(function.name)
        signature = self._signature("function", function.name)
        lines = self._overloads(function, name, static=True, signature=signature)
        if signature is not None:
            return lines
        kept = self._kept.get(name, ())
        if not kept_docs.have_same_types(lines, kept):
            return lines
        function = dataclasses.replace(function, doc=kept_docs.doc_of(kept))
        names = kept_docs.parameters_of(kept)
        return self._overloads(function, name, static=True, parameters=names)

    def _overloads(
        self,
        function: Function,
        name: str,
        *,
        static: bool = False,
        overloaded: bool = False,
        **options: Any,  # noqa: ANN401 - the arguments of `_function`
    ) -> list[str]:
        """Return the definition of a function, or overloads if the function returns tensors.

        There is one overload for each parameter that can decide the class of returned tensors. The
        last overload is for calls in which no parameter decides the class. This overload returns
        `tvm_ffi.Tensor`.

        :param static: whether the definitions need the decorator ``staticmethod``.
        :param overloaded: whether the name has other definitions, too.
        """
        schema = function.schema
        given = options.get("given", 0)
        returns_tensor = schema.result is not None and has_tensor(schema.result)
        passed = (schema.parameters or ())[given:] if returns_tensor else ()
        deciding: list[int | None] = [*deciding_parameters(passed), None]
        lines: list[str] = []
        for number, decides in enumerate(deciding):
            # Only the first overload needs a docstring: editors show it for all overloads.
            one = function if number == 0 else dataclasses.replace(function, doc=None)
            lines += [""] * bool(lines)
            if overloaded or len(deciding) > 1:
                lines.append(f"@{self._use('overload')}")
            if static:
                lines.append(f"@{self._use('staticmethod', 'builtins')}")
            lines += self._function(one, name, decides=decides, **options)
        return lines

    def _function(
        self,
        function: Function,
        name: str,
        *,
        signature: inspect.Signature | None = None,
        names: Collection[str] = (),
        takes_self: bool = False,
        given: int = 0,
        result: str | None = None,
        parameters: Sequence[str] | None = None,
        decides: int | None = None,
    ) -> list[str]:
        """Return the definition of a function.

        :param name: the name in the stub.
        :param signature: the parameters that the docstring declares, see `call_signatures`.
        :param names: other names that the docstring may use for the function.
        :param takes_self: whether the definition needs a parameter ``self``.
        :param given: how many of the schema's first parameters to skip, because callers do not pass
            these parameters. An example is ``self``.
        :param result: the type of the result; if it is ``None``, the schema determines the type.
        :param parameters: the names of the parameters; if it is ``None``, the docstring determines
            the names.
        :param decides: the index of the parameter that decides the class of returned tensors, if
            there is one.
        """
        schema, doc = function.schema, function.doc
        if result is None:
            assert schema.result is not None
            result = self._types_of.returned(schema.result, own_tensors=decides is None)
        parts = ["self"] * takes_self
        if schema.parameters is None:
            parts += ["/"] * takes_self + [f"*args: {self._use('Any')}"]
            return _definition(name, ", ".join(parts), result, doc)
        passed = schema.parameters[given:]
        if signature is not None:
            parts += self._declared(signature, passed, decides)
            return _definition(name, ", ".join(parts), result, doc)
        found = parameters
        if found is None:
            found = parameter_names(doc, len(passed), names={name, *names}, reserved=parts)
        if found is None:
            # Use the same names as the generator: `_0`, `_1` and so on. In the numbering, `self`
            # has the number 0.
            found = tuple(f"_{n + given}" for n in range(len(passed)))
        parts += [
            f"{name_}: {self._types_of.accepted(type_, decides=number == decides)}"
            for number, (name_, type_) in enumerate(zip(found, passed))
        ]
        return _definition(name, ", ".join([*parts, "/"] if parts else []), result, doc)

    def _signature(self, kind: str, name: str) -> inspect.Signature | None:
        return self._context.signatures.get((kind, name))

    def _declared(
        self, signature: inspect.Signature, types: Iterable[Schema], decides: int | None
    ) -> Iterator[str]:
        """Yield the parameters that a docstring declares, with ``/`` and ``*``.

        The parameter that decides the class of returned tensors has no default, because a call
        without this parameter belongs to another overload. The positional parameters before it
        have no defaults, either.
        """
        parameters = list(signature.parameters.values())
        by_keyword = decides is None or parameters[decides].kind is inspect.Parameter.KEYWORD_ONLY
        positional = 0 if by_keyword else decides or 0
        last_positional = [p for p in parameters if p.kind is p.POSITIONAL_ONLY][-1:]
        first_keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY][:1]
        for number, (parameter, type_) in enumerate(zip(parameters, types)):
            if parameter in first_keyword:
                yield "*"
            is_required = number == decides or number < positional
            has_default = parameter.default is not parameter.empty and not is_required
            default = f" = {parameter.default!r}" * has_default
            written = self._types_of.accepted(type_, decides=number == decides)
            yield f"{parameter.name}: {written}{default}"
            if parameter in last_positional:
                yield "/"

    # --- classes --------------------------------------------------------------------------------

    def _object_types(self) -> Iterator[list[str]]:
        roots = [type_ for type_ in self._types.values() if self._parent(type_) is None]
        if roots:
            yield [
                f"@{self._use('type_check_only')}",
                f"class {self._private['ObjectMeta']}({self._use('ABCMeta', 'abc')}):",
                f'{_INDENT}"""The metaclass that tvm_ffi gives to classes of objects."""',
            ]
            yield [
                f"@{self._use('type_check_only')}",
                f"class {self._private['Object']}({self._use('Object', 'tvm_ffi')}, "
                f"metaclass={self._private['ObjectMeta']}):",
                *_indented(self._type_attributes()),
            ]
        if any(True for type_ in self._types.values() for _ in self._entries(type_)):
            yield [f"{self._private['entry']}: {self._use('Any')}"]
        for item in self._outline.classes:
            type_ = self._types.get(item.key)
            if type_ is not None:
                yield from self._class(item, type_)
            elif item.whole:
                yield item.whole

    def _type_attributes(self) -> list[str]:
        """Return the definitions of the attributes that tvm_ffi adds to every class."""
        return [
            f"__tvm_ffi_type_info__: {self._use('ClassVar')}[{self._use('object', 'builtins')}]",
            f"{CONSTRUCTOR}: {self._use('ClassVar')}"
            f"[{self._use('Callable', 'collections.abc')}[..., None]]",
        ]

    def _parent(self, type_: ObjectType) -> Reference | None:
        """Return the parent class of a type, or ``None`` if the parent is `tvm_ffi.Object`."""
        if type_.parent in {None, _OBJECT}:
            return None
        assert type_.parent is not None
        reference = self._find_class(type_.parent)
        return None if reference == ("Object", "tvm_ffi") else reference

    def _class(self, item: ClassOutline, type_: ObjectType) -> Iterator[list[str]]:
        """Yield a private class with the members, and a public class derived from this class.

        The members are in a private class for two reasons. For a member of the public class, jedi
        would search for the docstring in the ``.py`` file, which does not contain the docstring. In
        the public class, stubtest would reject static methods and methods without parameters,
        because these methods are not ordinary Python functions at run time. For these methods, the
        public class contains aliases of the private class's methods.
        """
        parent = self._parent(type_)
        base = self._private["Object"] if parent is None else self._names.use(*parent)
        private = self._private[f"class {item.name}"]
        docs = (type_.doc, item.doc, f"Objects of the type ``{item.key}``.")
        doc = next(doc for doc in docs if doc and doc.strip())
        members, aliases = self._members(item, type_)
        if self._registry.is_enum(item.key):
            # No class can derive from an enumeration with entries, so the public class contains the
            # members.
            entries = list(self._entries(type_))
            # Without entries, omit the attributes that tvm_ffi adds: mypy reports an error for
            # annotated attributes in an enumeration without entries.
            body = [*entries, *self._type_attributes()] if entries else []
            body += [self._lookup(item.name), *members, *item.own]
            yield [f"class {item.name}({base}):", *_docstring(doc, _INDENT), "", *_indented(body)]
            return
        if members:
            yield [
                f"@{self._use('type_check_only')}",
                f"class {private}({base}):",
                *_indented("\n".join(members).splitlines()),
            ]
            base = private
        yield [
            f"class {item.name}({base}):",
            *_docstring(doc, _INDENT),
            *([""] if aliases or item.own else []),
            *(f"{_INDENT}{name} = {private}.{name}" for name in aliases),
            *_indented(item.own),
        ]

    def _entries(self, type_: ObjectType) -> Iterator[str]:
        """Yield the definitions of the entries of an enumeration.

        The stub assigns a value of the type ``Any`` to each entry. For ``entry.value``, type
        checkers therefore use the type that the property ``value`` declares. At run time, the class
        attribute is the entry itself, not a value. stubtest accepts this difference, because every
        object matches ``Any``.

        At run time, code that the build adds to a module sets the entries. If a module lacks this
        code, its enumerations have no entries, so this method yields nothing.
        """
        if self._module not in self._context.added:
            return
        for name in type_.entries:
            if ("entry", f"{type_.key}.{name}") not in self._context.left_out:
                yield f"{name} = {self._private['entry']}"

    def _lookup(self, name: str) -> str:
        """Return the definition of an enumeration's constructor. The constructor looks up an entry.

        Without this definition, type checkers would use the inherited constructor of tvm_ffi
        (0.1.15), which accepts all arguments.
        """
        int_, str_ = self._use("int", "builtins"), self._use("str", "builtins")
        return f"def __new__(cls, index: {name} | {int_} | {str_}, /) -> {name}: ..."

    def _members(self, item: ClassOutline, type_: ObjectType) -> tuple[list[str], list[str]]:
        """Return the definitions of a class's members, and the methods to alias, see `_class`."""
        left_out = {
            name
            for name in type_.member_names
            if ("member", f"{type_.key}.{name}") in self._context.left_out
        }
        blocks: list[str] = []
        aliases: list[str] = []
        fields = [f for f in type_.fields if f.name not in left_out | item.own_names]
        blocks += ["\n".join(self._field(field_)) for field_ in fields]
        blocks += ["\n".join(lines) for lines in self._constructor(item, type_)]
        groups: dict[str, list[Function]] = {}
        for method in type_.methods:
            missing = ("method", f"{type_.key}.{method.name}") in self._context.left_out
            if not missing and method.name not in {CONSTRUCTOR, *item.own_names, *left_out}:
                groups.setdefault(method.name, []).append(method)
        for name, group in groups.items():
            if group[0].static or any(len(m.schema.parameters or ()) < 2 for m in group):  # noqa: PLR2004 - self alone
                aliases.append(name)
            for method in group:
                bound = not method.static
                lines = self._overloads(
                    *(method, name),
                    static=method.static,
                    overloaded=len(group) > 1,
                    takes_self=bound,
                    given=int(bound),
                    signature=self._signature("method", f"{type_.key}.{name}"),
                )
                blocks.append("\n".join(lines))
        separated = [line for block in blocks for line in (block, "")]
        return separated[:-1], aliases

    def _field(self, field_: Field) -> list[str]:
        name = field_.name
        type_ = self._types_of.returned(field_.schema)
        accepted = type_ if field_.read_only else self._types_of.accepted(field_.schema)
        if not field_.read_only and accepted == type_:
            return [f"{name}: {type_}", *_docstring(field_.doc, "")]
        lines = [
            f"@{self._use('property', 'builtins')}",
            *_definition(name, "self", type_, field_.doc),
        ]
        if not field_.read_only:
            setter = f"def {name}(self, value: {accepted}, /) -> None: ..."
            lines += [f"@{name}.setter", setter]
        return lines

    def _constructor(self, item: ClassOutline, type_: ObjectType) -> Iterator[list[str]]:
        """Yield the definitions of ``__init__``.

        If ``__init__`` is handwritten, or if tvm_ffi does not create it, there are no definitions.
        """
        made = self._registry.makes_constructors and not self._registry.is_enum(type_.key)
        if "__init__" in item.own_names or not made:
            return
        explicit = [method for method in type_.methods if method.name == CONSTRUCTOR]
        if not type_.constructor:
            doc = "Raise TypeError: the library makes objects of this class."
            yield _definition("__init__", f"self, _: {self._use('NoReturn')}, /", "None", doc)
        elif not explicit:
            yield _definition("__init__", self._constructor_of_fields(type_), "None", None)
        names = {item.name, _last(item.key), CONSTRUCTOR}
        for method in explicit:
            signature = self._signature("method", f"{type_.key}.{CONSTRUCTOR}")
            lines = self._function(
                *(method, "__init__"),
                signature=signature,
                names=names,
                takes_self=True,
                result="None",
            )
            yield [*([f"@{self._use('overload')}"] if len(explicit) > 1 else []), *lines]

    def _constructor_of_fields(self, type_: ObjectType) -> str:
        """Return the parameters of the constructor that tvm_ffi creates from the fields of a type.

        The parameters of inherited fields come before the parameters of the type's own fields.
        """
        types = self._registry.types
        chain = [type_, *(types[a] for a in self._registry.ancestors(type_.key) if a in types)]
        fields = [
            field_ for each in reversed(chain) for field_ in each.fields if field_.in_constructor
        ]
        parts = ["self"]
        for keyword_only in (False, True):
            chosen = [f for f in fields if f.keyword_only is keyword_only]
            parts += ["*"] * (keyword_only and bool(chosen))
            for has_default in (False, True):
                parts += [
                    f"{f.name}: {self._types_of.accepted(f.schema)}{self._default(f)}"
                    for f in chosen
                    if f.has_default is has_default
                ]
        return ", ".join(parts)

    def _default(self, field_: Field) -> str:
        if not field_.has_default:
            return ""
        # The default of a field may be None although the type of the field excludes None. Type
        # checkers would reject this default, so write `...`.
        if field_.default is None or (field_.default == "None" and not accepts_none(field_.schema)):
            return " = ..."
        return f" = {field_.default}"


def _definition(name: str, signature: str, result: str, doc: str | None) -> list[str]:
    line = f"def {name}({signature}) -> {result}:"
    docstring = _docstring(doc, _INDENT)
    return [line, *docstring] if docstring else [f"{line} ..."]


def _indented(lines: Iterable[str]) -> list[str]:
    return textwrap.indent("\n".join(lines), _INDENT).split("\n") if lines else []


def _all(names: Iterable[str]) -> list[str]:
    return ["__all__ = [", *(f'    "{name}",' for name in names), "]"]


def _last(name: str) -> str:
    return name.rpartition(".")[2]
