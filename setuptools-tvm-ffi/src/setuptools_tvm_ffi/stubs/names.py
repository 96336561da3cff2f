# SPDX-License-Identifier: Apache-2.0
"""Finds registered names for which no stub can be written, and the reasons."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .directives import API_MODULE
from .registry import ObjectType, Registry

_DUNDER = re.compile(r"__\w+__")
_MANGLED = "Python mangles the name inside a class"
# Names that generated modules define for their own use. `_Prefixes` adds the aliases under which
# generated modules import parent classes. The names that start with `_tvm_ffi` are temporary: the
# code that `additions` and `keyword_wrappers` write defines and deletes these names.
_INTERNAL = frozenset(
    {
        *(API_MODULE, "TYPE_CHECKING", "_FFI_INIT_FUNC", "_FFI_LOAD_LIB", "_FFI_REG_OBJ"),
        *("_tvm_ffi_package", "_tvm_ffi_prototype", "_tvm_ffi_signature"),
    }
)


@dataclass(frozen=True)
class NameProblem:
    """A registered name that gets no stub.

    :param kind: ``function``, ``type``, ``symbol``, ``member`` (a field or method of a type),
        ``entry`` (of an enumeration), or ``method`` (a method that tvm_ffi has not added to its
        class, see `chosen.without_missing_methods`).
    :param name: the name. For a member, a method or an entry, it is ``<type key>.<name>``.
    :param reason: why the name gets no stub.
    :param instead: how a user can access the function, type or member without a stub. If this hint
        is empty, the build must fail, because the package could not be imported.
    :param of: for a member or an entry, the type key.
    """

    kind: str
    name: str
    reason: str
    instead: str
    of: str = ""

    def __str__(self) -> str:
        what = "type key" if self.kind == "type" else self.kind
        return f"{what} {self.name!r}: {self.reason}"


def find_problems(
    registry: Registry, prefix: str, modules: Collection[PurePosixPath], *, makes_packages: bool
) -> list[NameProblem]:
    """Return the names that get no stub: first functions, then types, members and symbols.

    :param prefix: the registry prefix, with a trailing dot.
    :param modules: the paths of the package's Python files, see `StubRequest.modules`.
    :param makes_packages: whether the generator creates a Python package for each registry prefix.
    """
    prefixes = _Prefixes(registry, prefix, modules, makes_packages)
    problems = []
    for name in sorted(registry.functions):
        reason, refused = prefixes.function_problem(name)
        if reason:
            instead = "" if refused else f"tvm_ffi.get_global_func({name!r}) returns it"
            problems.append(NameProblem("function", name, reason, instead))
    hidden: set[str] = set()
    imports = _Imports(prefix.rstrip("."))
    # Check parent classes before the classes that derive from them.
    for key in sorted(registry.types, key=lambda key: (len([*registry.ancestors(key)]), key)):
        parent = registry.types[key].parent
        reason = prefixes.type_problem(key)
        if not reason and parent in hidden:
            reason = f"it derives from {parent}, which has no stub"
        if not reason and makes_packages and parent is not None and parent in registry.types:
            reason = imports.problem(key, parent)
        if reason:
            hidden.add(key)
            instead = "tvm_ffi creates a class for its objects at run time"
            problems.append(NameProblem("type", key, reason, instead))
    for key, type_ in sorted(registry.types.items()):
        if key not in hidden:
            problems += _member_problems(type_)
            problems += _entry_problems(type_, registry)
    for name in sorted(registry.symbols):
        reason = _part_problem(name)
        if not reason and name in registry.module_attributes:
            reason = "every tvm_ffi.Module has an attribute of that name"
        if reason:
            problems.append(NameProblem("symbol", name, reason, f"LIB[{name!r}] returns it"))
    return problems


def hidden_by(problems: Collection[NameProblem]) -> dict[str, Any]:
    """Return the names to hide from the generator, so that the generated modules can be imported.

    :returns: the argument `hidden` of `ffi.reflection.hide`.
    """
    members: dict[str, list[str]] = {}
    for problem in problems:
        if problem.kind == "member":
            members.setdefault(problem.of, []).append(problem.name[len(problem.of) + 1 :])
    return {
        "functions": [problem.name for problem in problems if problem.kind == "function"],
        "types": [problem.name for problem in problems if problem.kind == "type"],
        "members": members,
    }


def _is_mangled(name: str) -> bool:
    return name.startswith("__") and not name.endswith("__")


def _member_problems(type_: ObjectType) -> Iterator[NameProblem]:
    untyped = {f.name for f in type_.fields if not f.typed}
    untyped |= {method.name for method in type_.methods if not method.typed}
    for name in dict.fromkeys(type_.member_names):
        reason = _part_problem(name)
        if not reason and name in untyped:
            reason = "it has no type schema"
        if not reason and _is_mangled(name):
            reason = _MANGLED
        if reason:
            instead = f"getattr(…, {name!r}) returns it"
            yield NameProblem("member", f"{type_.key}.{name}", reason, instead, type_.key)


def _entry_problems(type_: ObjectType, registry: Registry) -> Iterator[NameProblem]:
    lineage = (type_.key, *registry.ancestors(type_.key))
    types = [registry.types[key] for key in lineage if key in registry.types]
    attributes = {*registry.enum_attributes, *(name for t in types for name in t.member_names)}
    for name in type_.entries:
        reason = _part_problem(name)
        if not reason and _is_mangled(name):
            reason = _MANGLED
        if not reason and name in attributes:
            reason = "the class of the enumeration has an attribute of this name"
        if reason:
            instead = f"{type_.key.rpartition('.')[2]}.get({name!r}) returns it"
            yield NameProblem("entry", f"{type_.key}.{name}", reason, instead, type_.key)


class _Imports:
    """The import order of packages. Parent classes must be imported before derived classes."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._needs: dict[str, set[str]] = {}

    def problem(self, key: str, parent: str) -> str:
        """Return the reason why a class cannot derive from its parent, or an empty text.

        If the class can derive from its parent, record that the package of the class needs the
        package of the parent.
        """
        package, above = (name.rpartition(".")[0] for name in (key, parent))
        if package == above:
            return ""
        # Python imports the package of the registry prefix (`_root`) before its subpackages, so a
        # class in `_root` cannot derive from a class in a subpackage.
        if package == self._root or self._reaches(above, package):
            return f"it derives from {parent}, but {above} must be imported later than {package}"
        self._needs.setdefault(package, set()).add(above)
        return ""

    def _reaches(self, package: str, other: str) -> bool:
        waiting, seen = [package], {package, other}
        while waiting:
            current = waiting.pop()
            needs = self._needs.get(current, set())
            if other in needs:
                return True
            # Python imports the parent packages of `current` before `current`. If `other` is such
            # a parent package, skip `other`, because its import has already begun.
            around = {p for p in _lineage(current) if p.startswith(f"{self._root}.")}
            new = (needs | around) - seen
            seen |= new
            waiting += new
        return False


class _Prefixes:
    """Finds the reasons why functions and types get no stub, such as a keyword in a name."""

    def __init__(
        self,
        registry: Registry,
        prefix: str,
        modules: Collection[PurePosixPath],
        makes_packages: bool,  # noqa: FBT001 - of this module alone
    ) -> None:
        self._registry = registry
        self._types = registry.types
        self._root = prefix.rstrip(".")
        self._makes_packages = makes_packages
        self._modules = _dotted(modules)
        self._internal = _INTERNAL | {
            "_" + parent.replace(".", "_") for parent in registry.parents.values() if parent
        }
        names = (*registry.types, *registry.functions)
        self._packages = {parent for name in names for parent in _lineage(name.rpartition(".")[0])}

    def function_problem(self, name: str) -> tuple[str, bool]:
        """Return the reason why a function gets no stub, and whether the build must fail."""
        package, _, last = name.rpartition(".")
        if name.startswith(f"{self._root}."):
            if _DUNDER.fullmatch(last):
                return f"{last!r} would replace an attribute that every module has", True
            if last in self._internal:
                return f"generated modules use the name {last!r} themselves", True
        reason = self._problem(package, last)
        if not reason and self._registry.functions[name].unwritable:
            reason = "the generator cannot write its types"
        if not reason and name in self._types:
            reason = "it is also a type key, and the class of this type has this name"
        return reason, False

    def type_problem(self, key: str) -> str:
        """Return the reason why the stubs contain no class for a type, or an empty text."""
        package, _, last = key.rpartition(".")
        reason = self._problem(package, last)
        own = [f.name for f in self._types[key].fields if _DUNDER.fullmatch(f.name)]
        if not reason and own:
            reason = f"its field {own[0]!r} would replace an attribute that every class has"
        if not reason:
            reason = self._constructor_problem(key)
        if not reason and (_DUNDER.fullmatch(last) or last in self._internal):
            reason = f"modules use the name {last!r} themselves"
        if not reason and last == "LIB" and package == self._root:
            reason = "generated modules use 'LIB' for the library"
        return reason

    def _constructor_problem(self, key: str) -> str:
        """Return the reason why tvm_ffi cannot create a class's constructor, or an empty text.

        Without the constructor, tvm_ffi does not create the class.
        """
        if not self._types[key].constructor:
            return ""
        lineage = (key, *self._registry.ancestors(key))
        fields = [f for each in lineage if each in self._types for f in self._types[each].fields]
        seen = {"self"}
        for name in (f.name for f in fields if f.in_constructor):
            if name in seen or _part_problem(name):
                return f"its field {name!r} cannot be a parameter of the constructor"
            seen.add(name)
        return ""

    def _problem(self, package: str, last: str) -> str:
        name = f"{package}.{last}"
        reason = _part_problem(last)
        if not reason and self._makes_packages:
            reason = _package_problem(package, self._root, self._types, self._modules)
        if reason or not self._makes_packages:
            return reason
        if name not in self._types and name in self._packages:
            return f"it is also a prefix of other names, so the package {name} has this name"
        if name in self._modules:
            return f"the module {name} has this name"
        return ""


def key_problem(
    key: str, prefix: str, types: Container[str], modules: Collection[PurePosixPath]
) -> str:
    """Return the reason why no generated module can define a type's class, or an empty text.

    :param prefix: the registry prefix of the library, with a trailing dot.
    :param types: all type keys.
    :param modules: the paths of the package's Python files, see `StubRequest.modules`.
    """
    package, _, last = key.rpartition(".")
    reason = _package_problem(package, prefix.rstrip("."), types, _dotted(modules))
    return reason or _part_problem(last)


def _package_problem(
    package: str, root: str, types: Container[str], modules: Container[str]
) -> str:
    """Return the reason why a package cannot exist, or an empty text.

    :param root: the package of the registry prefix. Only its subpackages are checked.
    """
    for parent in _lineage(package):
        if not parent.startswith(f"{root}."):
            continue
        last = parent.rpartition(".")[2]
        reason = _part_problem(last)
        if reason:
            return reason
        if last == API_MODULE or _DUNDER.fullmatch(last):
            return f"modules use {last!r} themselves, so no package can have this name"
        if parent in types:
            return f"{parent} is a class, so no package can have this name"
        if parent in modules:
            return f"its package would hide the module {parent}"
    return ""


def _dotted(modules: Collection[PurePosixPath]) -> set[str]:
    return {".".join(path.with_suffix("").parts) for path in modules}


def _lineage(package: str) -> Iterator[str]:
    """Yield the prefixes of a dotted name. ``a.b.c`` has the prefixes ``a``, ``a.b``, ``a.b.c``."""
    parts = package.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])


def _part_problem(part: str) -> str:
    """Return the reason why a name cannot be used in Python code, or an empty text."""
    shown = part if len(part) <= 40 else f"{part[:40]}…"  # noqa: PLR2004 - for a message
    if keyword.iskeyword(part):
        return f"{shown!r} is a Python keyword"
    if not part.isidentifier():
        return f"{shown!r} is not a Python identifier"
    return ""
