# SPDX-License-Identifier: Apache-2.0
"""Which registered names can be had in a Python module, and what becomes of the others."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from .registry import ObjectType, Registry

#: The module that a prefix becomes, in the folder that the prefix becomes.
API_MODULE = "_ffi_api"

_DUNDER = re.compile(r"__\w+__")
# What generated modules bind and use themselves, beside the names of parent classes.
_INTERNAL = frozenset(
    {API_MODULE, "TYPE_CHECKING", "_FFI_INIT_FUNC", "_FFI_LOAD_LIB", "_FFI_REG_OBJ"}
)
# What file systems hold in one name, in UTF-8.
_LONGEST = 255


@dataclass(frozen=True)
class NameProblem:
    """One name that there will be no stub for.

    :param kind: ``function``, ``type``, ``member`` (as ``key.member``) or ``symbol``.
    :param reason: why not.
    :param of: the type key of a member.
    :param instead: how what has the name is reached; empty where the build has to be refused,
        because the package could not be imported.
    """

    kind: str
    name: str
    reason: str
    instead: str
    of: str = ""

    def __str__(self) -> str:
        what = "type key" if self.kind == "type" else self.kind
        return f"{what} {self.name!r}: {self.reason}"


@dataclass
class Hidden:
    """What generators are not to see, for the child process."""

    functions: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    members: dict[str, list[str]] = field(default_factory=dict)


def find_problems(
    registry: Registry, prefix: str, modules: Collection[PurePosixPath], *, makes_packages: bool
) -> list[NameProblem]:
    """Return the names that no stub can be written for, in their order.

    :param prefix: the registry prefix, with its trailing dot.
    :param modules: the Python files of the source tree, by path below the folder of the package.
    :param makes_packages: whether prefixes become packages.
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
    # A class comes after the one that it derives from.
    for key in sorted(registry.types, key=lambda key: (len([*registry.ancestors(key)]), key)):
        parent = registry.types[key].parent
        reason = prefixes.type_problem(key)
        if not reason and parent in hidden:
            reason = f"it derives from {parent}, which is left out"
        if not reason and makes_packages and parent is not None and parent in registry.types:
            reason = imports.problem(key, parent)
        if reason:
            hidden.add(key)
            instead = "its objects are of a class that tvm_ffi makes when it meets one"
            problems.append(NameProblem("type", key, reason, instead))
    for key, type_ in sorted(registry.types.items()):
        if key not in hidden:
            problems += _member_problems(type_)
    for name in sorted(registry.symbols):
        reason = _part_problem(name)
        if not reason and name in registry.module_attributes:
            reason = "is an attribute of every tvm_ffi.Module"
        if reason:
            problems.append(NameProblem("symbol", name, reason, f"LIB[{name!r}] returns it"))
    return problems


def hidden_by(problems: Iterable[NameProblem]) -> Hidden:
    """Return what the generator must not see, so that what it writes can be imported."""
    hidden = Hidden()
    for problem in problems:
        if problem.kind == "function":
            hidden.functions.append(problem.name)
        elif problem.kind == "type":
            hidden.types.append(problem.name)
        elif problem.kind == "member":
            member = problem.name[len(problem.of) + 1 :]
            hidden.members.setdefault(problem.of, []).append(member)
    return hidden


def _member_problems(type_: ObjectType) -> Iterator[NameProblem]:
    untyped = {f.name for f in type_.fields if not f.typed}
    untyped |= {method.name for method in type_.methods if not method.typed}
    for name in dict.fromkeys(type_.member_names):
        reason = _part_problem(name)
        if not reason and name in untyped:
            reason = "carries no type schema"
        if not reason and name.startswith("__") and not name.endswith("__"):
            reason = "is a name that Python mangles inside a class"
        if reason:
            instead = f"getattr(…, {name!r}) returns it"
            yield NameProblem("member", f"{type_.key}.{name}", reason, instead, type_.key)


class _Imports:
    """Which packages have to be imported before which, because classes of theirs derive."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._needs: dict[str, set[str]] = {}

    def problem(self, key: str, parent: str) -> str:
        """Return why a class cannot derive from another; note that it does, if it can."""
        package, above = (name.rpartition(".")[0] for name in (key, parent))
        if package == above:
            return ""
        # The root loads the library, without which no other has a class.
        if package == self._root or self._reaches(above, package):
            return f"it derives from {parent}, whose package has to be imported after this one's"
        self._needs.setdefault(package, set()).add(above)
        return ""

    def _is_inside(self, package: str) -> bool:
        return package.startswith(f"{self._root}.")

    def _reaches(self, package: str, other: str) -> bool:
        waiting, seen = [package], {package}
        while waiting:
            current = waiting.pop()
            if other in self._needs.get(current, ()):
                return True
            # A package is imported after those around it, but that one's import is under way.
            around = {parent for parent in _lineage(current) if self._is_inside(parent)}
            new = (self._needs.get(current, set()) | around) - {other} - seen
            seen |= new
            waiting += new
        return False


class _Prefixes:
    """The packages that the names of a registry would need, and what is in their way."""

    def __init__(
        self,
        registry: Registry,
        prefix: str,
        modules: Collection[PurePosixPath],
        makes_packages: bool,  # noqa: FBT001 - of this module alone
    ) -> None:
        self._registry = registry
        self._types = registry.types
        self._functions = registry.functions
        self._root = prefix.rstrip(".")
        self._makes_packages = makes_packages
        # Names that a module or package has, which a file system may fold.
        self._modules = {".".join(path.with_suffix("").parts).casefold() for path in modules}
        self._packages: dict[str, str] = {}
        self._internal = _INTERNAL | {
            "_" + parent.replace(".", "_") for parent in registry.parents.values() if parent
        }
        names = (*registry.types, *registry.functions)
        for name in sorted({name.rpartition(".")[0] for name in names}):
            for parent in _lineage(name):
                self._packages.setdefault(parent.casefold(), parent)

    def function_problem(self, name: str) -> tuple[str, bool]:
        """Return why there is no stub for a function, and whether it must not be registered."""
        package, _, last = name.rpartition(".")
        if self._is_ours(package):
            if _DUNDER.fullmatch(last):
                return f"{last!r} would replace what every module has under that name", True
            if last in self._internal:
                return f"{last!r} is what generated modules call something of their own", True
        reason = self._problem(package, last)
        if not reason and self._functions[name].unwritable:
            reason = "the generator cannot write its types"
        if not reason and name in self._types:
            reason = "is a type key, too, whose class has the name"
        return reason, False

    def type_problem(self, key: str) -> str:
        """Return why there is no class for a type."""
        package, _, last = key.rpartition(".")
        reason = self._problem(package, last)
        own = [f.name for f in self._types[key].fields if _DUNDER.fullmatch(f.name)]
        if not reason and own:
            reason = f"its field {own[0]!r} would replace what every class has under that name"
        if not reason:
            reason = self._constructor_problem(key)
        if not reason and (_DUNDER.fullmatch(last) or last in self._internal):
            reason = f"{last!r} is what modules call something of their own"
        if not reason and last == "LIB" and package == self._root:
            reason = "'LIB' is the library"
        return reason

    def _constructor_problem(self, key: str) -> str:
        """Return why tvm_ffi cannot make a signature of the fields, without which no class is."""
        if not self._types[key].constructor:
            return ""
        lineage = [key, *self._registry.ancestors(key)]
        seen = {"self"}
        for each in lineage:
            for field_ in self._types[each].fields if each in self._types else ():
                if not field_.in_constructor:
                    continue
                name = field_.name
                if name in seen or not name.isidentifier() or keyword.iskeyword(name):
                    return f"its field {name!r} can be no parameter of a constructor"
                seen.add(name)
        return ""

    def _problem(self, package: str, last: str) -> str:
        name = f"{package}.{last}"
        reason = _part_problem(last)
        if reason or not self._makes_packages:
            return reason
        reason = self._package_problem(package)
        if reason:
            return reason
        if name not in self._types and name.casefold() in self._packages:
            return f"is a prefix of other names, too, and the package {name} has the name"
        if name.casefold() in self._modules:
            return f"there is a module {name}, which has the name"
        return ""

    def _package_problem(self, package: str) -> str:
        for parent in _lineage(package):
            if not self._is_ours(parent) or parent == self._root:
                continue
            last = parent.rpartition(".")[2]
            reason = _part_problem(last)
            if reason:
                return reason
            if last == API_MODULE or _DUNDER.fullmatch(last) or len(last.encode()) > _LONGEST:
                what = "is too long" if len(last.encode()) > _LONGEST else "is a module's own"
                return f"{last!r} {what}, and no package can have the name"
            if parent in self._types:
                return f"{parent} is a class, and no package can have the name, too"
            first = self._packages.get(parent.casefold(), parent)
            if first != parent:
                return f"{parent} and {first} are one folder where case does not count"
            if parent.casefold() in self._modules:
                return f"there is a module {parent}, which its package would hide"
        if len(package.encode()) > 4 * _LONGEST:
            return "its prefix is too long for a path"
        return ""

    def _is_ours(self, package: str) -> bool:
        return f"{package}.".startswith(f"{self._root}.")


def _lineage(package: str) -> Iterator[str]:
    """Yield a dotted name's parents and itself."""
    parts = package.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])


def _part_problem(part: str) -> str:
    """Return why a name cannot be written in Python."""
    if not part:
        return "a part of it is empty"
    shown = part if len(part) <= 40 else f"{part[:40]}…"  # noqa: PLR2004 - for a message
    if keyword.iskeyword(part):
        return f"{shown!r} is a Python keyword"
    if not part.isidentifier():
        return f"{shown!r} is no Python identifier"
    if unicodedata.normalize("NFKC", part) != part:
        return f"{shown!r} is another name once Python has read it (NFKC)"
    return ""
