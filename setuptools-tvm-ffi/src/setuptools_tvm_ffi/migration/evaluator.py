# SPDX-License-Identifier: Apache-2.0
"""Evaluates the commands of a CMake project without running CMake, and collects the targets."""

from __future__ import annotations

import glob
import itertools
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .cmake_language import BLOCKS, Command, expand, items_of, parse
from .expressions import SYSTEMS, Condition, is_false, is_unknown

FILE = "CMakeLists.txt"
#: In the values of variables, these paths stand for the project's folder and for the wheel's root.
SOURCE, PLATLIB = "/@source", "/@platlib"

# Only CMake knows the values of these variables.
_UNKNOWN = re.compile(
    r"CMAKE_\w*(COMPILER|COMMAND|GENERATOR)\w*|CMAKE_(INSTALL|HOST|SYSTEM|CURRENT)_\w+"
    r"|\w+_(FOUND|BINARY_DIR)|MINGW|MSVC_\w+|ENV\{.*|(CUDAToolkit|Python3?|tvm_ffi|TVM_FFI|CUDA)_\w+"
)
#: Target properties that are translated. The variable CMAKE_<property> contains the property's
#: default value.
DEFAULTED = (
    *("C_STANDARD", "CXX_STANDARD", "CUDA_STANDARD", "CXX_EXTENSIONS", "CXX_VISIBILITY_PRESET"),
    *("CUDA_ARCHITECTURES", "CUDA_RUNTIME_LIBRARY", "CUDA_SEPARABLE_COMPILATION"),
    *("INTERPROCEDURAL_OPTIMIZATION", "COMPILE_WARNING_AS_ERROR", "INSTALL_RPATH"),
)
#: Matches ``property=value`` if the value needs no translation: it does not affect the wheel, or
#: the plugin always builds as the value demands. `is_lost` also applies the pattern to variables.
#: It first removes the prefix ``CMAKE_`` from the variable's name.
HARMLESS = re.compile(
    r"(POSITION_INDEPENDENT_CODE|\w+_STANDARD_REQUIRED|LINKER_LANGUAGE|VISIBILITY_INLINES_HIDDEN"
    r"|CUDA_RESOLVE_DEVICE_SYMBOLS|\w+_OUTPUT_DIRECTORY\w*|FOLDER|EXPORT_COMPILE_COMMANDS"
    r"|SKIP_\w*RPATH|BUILD_WITH_INSTALL_RPATH|MACOSX_RPATH|INSTALL_RPATH_USE_LINK_PATH)=.*"
    r"|INSTALL_RPATH=((\$ORIGIN|@loader_path|[^;]*tvm_ffi[^;]*)(;|$))+"
    r"|\w+_EXTENSIONS=(OFF|0|FALSE)|\w+_VISIBILITY_PRESET=hidden"
)
# Further variables that are translated, or that do not affect the wheel.
_VARIABLES = re.compile(
    r"CMAKE_((C|CXX|CUDA|SHARED_LINKER)_FLAGS|MODULE_PATH|BUILD_TYPE|POLICY_\w+|COLOR_\w+"
    rf"|VERBOSE_MAKEFILE|PREFIX_PATH|CONFIGURATION_TYPES|BUILD_PARALLEL_LEVEL|{'|'.join(DEFAULTED)})"
)
# CMake's own modules that only define commands. ``include`` of such a module needs no translation.
_MODULES = re.compile(r"(Check|CMake|CPack|CTest|Fetch|Find|Generate|Google)\w*|GNUInstallDirs")
# Commands that need no translation: they do not affect the wheel, or the plugin always has the same
# effect.
_IGNORED = {
    *("add_dependencies", "add_test", "cmake_minimum_required", "cmake_policy", "enable_language"),
    *("enable_testing", "include_guard", "mark_as_advanced", "message", "source_group"),
    *("tvm_ffi_add_apple_dsymutil", "tvm_ffi_add_msvc_flags", "tvm_ffi_add_prefix_map"),
    *("tvm_ffi_hide_static_linked_lib_symbols", "tvm_ffi_install"),
}
PUBLIC, PRIVATE, INTERFACE = _SCOPES = ("PUBLIC", "PRIVATE", "INTERFACE")
_KINDS = {"SHARED", "MODULE", "STATIC", "OBJECT", "INTERFACE", "IMPORTED"}
_WORDS = {"SYSTEM", "BEFORE", "AFTER", "EXCLUDE_FROM_ALL", "GLOBAL"}
# The kinds of items that a target can have. The command ``target_<kind>`` adds items of one kind.
_ITEMS = (
    *("sources", "include_directories", "compile_definitions", "compile_options"),
    *("compile_features", "link_libraries", "link_options", "link_directories"),
)
# Each of these commands adds items to all targets of a folder.
_OF_FOLDER = {
    *("include_directories", "link_libraries", "link_directories", "add_definitions"),
    *("add_compile_definitions", "add_compile_options", "add_link_options"),
}
_PATHS = {"sources", "include_directories", "link_directories"}


@dataclass(frozen=True)
class Item:
    """An item of a target, such as a source, an include folder or a definition.

    :param scope: ``PRIVATE``, ``PUBLIC`` or ``INTERFACE``.
    """

    kind: str
    value: str
    scope: str
    command: Command
    system: bool


@dataclass(frozen=True)
class Scope:
    """The variables of a folder or of a function call.

    :param folder: the folder of the `CMakeLists.txt`, relative to the project's folder.
    :param parent: the scope whose variables ``PARENT_SCOPE`` changes.
    :param items: the items that commands such as ``include_directories`` add to all targets of the
        folder.
    """

    folder: str
    variables: dict[str, str | None]
    parent: Scope | None = None
    items: list[Item] = field(default_factory=list)

    def lookup(self, name: str) -> str | None:
        """Return the value of a variable, see `Lookup`.

        ``find_package(Foo)`` defines variables such as ``Foo_DIR``, but only CMake knows their
        values. Therefore the evaluator sets ``Foo`` to None. If ``Foo`` is None, this method
        returns None for each variable such as ``Foo_DIR`` that the project itself does not set.
        """
        if name in self.variables:
            return self.variables[name]
        parts = name.split("_")
        prefixes = ("_".join(parts[:count]) for count in range(1, len(parts)))
        known = all(self.variables.get(prefix, "") is not None for prefix in prefixes)
        return "" if known and not _UNKNOWN.fullmatch(name) else None

    def values(self, name: str) -> list[str]:
        """Return the items of the list that a variable contains."""
        value = self.lookup(name)
        return [f"${{{name}}}"] if value is None else items_of(value)

    def path(self, text: str) -> str:
        """Make a path absolute. A relative path starts from the folder of this scope."""
        return posixpath.normpath(posixpath.join(SOURCE, self.folder, text))

    def of_folder(self) -> Scope:
        """Return `self`, or the folder's scope if `self` is the scope of a function call."""
        outer = self.parent
        return self if outer is None or outer.folder != self.folder else outer.of_folder()


@dataclass
class CMakeTarget:
    """A target with its items and properties.

    :param kind: the kind that ``add_library`` names, such as ``SHARED``; or ``EXECUTABLE``.
    :param properties: maps the name of each property to the property's value and to the command
        that sets this value.
    :param configured: the arguments of ``tvm_ffi_configure_target``; None if the project does not
        call this command for the target.
    :param destination: the folder into which ``install`` puts the library; None if no command
        installs the library.
    """

    name: str
    kind: str
    command: Command
    scope: Scope
    items: list[Item] = field(default_factory=list)
    properties: dict[str, tuple[str, Command]] = field(default_factory=dict)
    configured: dict[str, str] | None = None
    destination: str | None = None

    def of(self, kind: str, *scopes: str) -> list[Item]:
        """Return the target's and the folder's items that have this kind and one of the scopes."""
        return [i for i in (*self.scope.items, *self.items) if i.kind == kind and i.scope in scopes]

    def get(self, name: str, default: str = "") -> str:
        """Return the value of a property."""
        return self.properties[name][0] if name in self.properties else default


@dataclass(frozen=True)
class Call:
    """A command to run, with the values of its arguments."""

    command: Command
    scope: Scope
    values: list[str]


def relative(path: str, base: str = SOURCE) -> str | None:
    """Return a path relative to the folder `base`. Return None for a path outside this folder.

    >>> relative("/@source/csrc/a.cc"), relative("/usr/include")
    ('csrc/a.cc', None)
    """
    found = posixpath.relpath(path, base) if path.startswith("/") else ".."
    return None if found.startswith("..") else found


def is_lost(name: str, value: str, build_type: str) -> bool:
    """Return whether a variable may affect CMake's build, but is not translated."""
    plain = re.sub(f"_FLAGS_{re.escape(build_type.upper())}$", "_FLAGS", name)
    is_known = _VARIABLES.fullmatch(plain) or HARMLESS.fullmatch(f"{name[len('CMAKE_') :]}={value}")
    return name.startswith(("CMAKE_", "ENV{")) and not is_known


@dataclass
class Evaluator:
    """Evaluates a project for one system, without running CMake.

    :param root: the folder of the project.
    :param system: a value of `sys_platform`.
    :param remarks: the file, the line and the text of each remark. Every command that is not
        evaluated has a remark.
    """

    root: Path
    system: str
    build_type: str
    remarks: dict[tuple[str, int, str], None]
    targets: dict[str, CMakeTarget] = field(default_factory=dict)
    functions: dict[str, tuple[list[str], Sequence[Command]]] = field(default_factory=dict)
    active: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.handlers: dict[str, Callable[[Call], None]] = {
            **dict.fromkeys(_IGNORED, lambda _: None),
            **{f"target_{kind}": self._add_to_target for kind in _ITEMS},
            **dict.fromkeys(_OF_FOLDER, self._add_to_folder),
            "add_executable": lambda call: self._add(call, "EXECUTABLE", call.values[1:]),
            "add_library": self._add_library,
            "add_subdirectory": self._add_subdirectory,
            "execute_process": self._execute_process,
            "file": self._file,
            "find_package": self._find_package,
            "foreach": self._foreach,
            "function": self._function,
            "if": self._if,
            "include": self._include,
            "install": self._install,
            "list": self._list,
            "option": lambda call: self._fix(call, call.values[0], (*call.values, "OFF")[2]),
            "project": self._project,
            "set": self._set,
            "set_property": self._set_property,
            "set_target_properties": self._set_property,
            "string": self._string,
            "tvm_ffi_configure_target": self._configure,
            "unset": self._unset,
        }

    def run(self, start: str, definitions: Mapping[str, str]) -> None:
        """Run the outermost `CMakeLists.txt`.

        :param start: the folder of this file, relative to the project's folder.
        :param definitions: the variables that scikit-build-core passes.
        :raises BuildError: a file is not valid CMake.
        """
        known = {"CMAKE_SIZEOF_VOID_P": "8", "SKBUILD": "2", "SKBUILD_PLATLIB_DIR": PLATLIB}
        scope = Scope(start, {**known, **SYSTEMS[self.system], **definitions})
        scope.variables["CMAKE_SOURCE_DIR"] = scope.variables["PROJECT_SOURCE_DIR"] = scope.path("")
        self._run_folder(scope)

    def remark(self, command: Command, text: str) -> None:
        """Record what a user must know about the translation of a command."""
        self.remarks[command.file, command.line, text] = None

    def lost(self, command: Command, value: str = "", hint: str = "") -> None:
        """Record that a command, or one value of the command, is not translated."""
        end = f" … end{command.name}()" if command.name in BLOCKS else ""
        text = f"{value!r} of {command.name}()" if value else f"{command.text}{end}"
        self.remark(command, f"not translated: {text}" + (f": {hint}" if hint else ""))

    def files(self, values: Sequence[str]) -> list[str]:
        """Replace each value that is a glob pattern by the matching files of the project."""
        found: list[str] = []
        for value in values:
            inner = relative(value) if glob.has_magic(value) else None
            matches = [] if inner is None else self.root.glob(inner)
            paths = sorted(match.relative_to(self.root).as_posix() for match in matches)
            found += [value] if inner is None else [f"{SOURCE}/{path}" for path in paths]
        return found

    # --- running

    def _run_folder(self, scope: Scope) -> None:
        scope.variables["CMAKE_CURRENT_SOURCE_DIR"] = scope.path("")
        self._run_file(posixpath.normpath(posixpath.join(scope.folder, FILE)), scope)

    def _run_file(self, file: str, scope: Scope) -> None:
        before = scope.lookup("CMAKE_CURRENT_LIST_DIR")
        scope.variables["CMAKE_CURRENT_LIST_DIR"] = posixpath.dirname(f"{SOURCE}/{file}")
        text = (self.root / file).read_text("utf-8", errors="replace")
        self._run_inside(file, parse(text, file), scope)
        scope.variables["CMAKE_CURRENT_LIST_DIR"] = before

    def _run_inside(self, name: str, commands: Sequence[Command], scope: Scope) -> None:
        """Run the commands of a file or a function. Raise `ValueError` for recursion."""
        if name in self.active:
            raise ValueError(name)
        self.active.append(name)
        self._run(commands, scope)
        self.active.pop()

    def _run(self, commands: Sequence[Command], scope: Scope) -> None:
        for command in commands:
            values = [argument.text for argument in expand(command.arguments, scope.lookup)]
            is_own = command.name in self.functions
            try:
                handler = self._call if is_own else self.handlers[command.name]
                handler(Call(command, scope, values))
            except (LookupError, OSError, ValueError, re.error):
                self.lost(command)
                # The command may set these variables, so their values are unknown.
                names = (value for value in values if re.fullmatch(r"[A-Za-z_]\w*", value))
                scope.variables.update(dict.fromkeys(set(names) - scope.variables.keys()))

    # --- blocks

    def _if(self, call: Call) -> None:
        branches: list[tuple[Command, list[Command]]] = [(call.command, [])]
        for inner in call.command.body:
            if inner.name in {"elseif", "else"}:
                branches.append((inner, []))
            else:
                branches[-1][1].append(inner)
        for branch, commands in branches:
            text = " ".join(argument.text for argument in branch.arguments)
            if re.search(r"CMAKE_BUILD_TYPE\W+(STREQUAL|MATCHES|IN_LIST)", text):
                self.remark(branch, f"only the part for the build type {self.build_type} is kept")
            tokens = expand(branch.arguments, call.scope.lookup)
            lookup, variables = call.scope.lookup, call.scope.variables
            condition = Condition(tokens, lookup, variables, self.targets, self.system)
            holds = branch.name == "else" or condition.value()
            if holds is None and any(one.name not in _IGNORED for one in commands):
                self.lost(branch, hint="only CMake knows the condition: it is assumed to be false")
            if holds:
                self._run(commands, call.scope)
                return

    def _foreach(self, call: Call) -> None:
        name, *values = call.values
        if {"RANGE", "ZIP_LISTS"} & set(values):
            raise ValueError(values)
        if values[:1] == ["IN"]:
            end = values.index("ITEMS") if "ITEMS" in values else len(values)
            lists = (call.scope.values(one) for one in values[1:end] if one != "LISTS")
            values = [*itertools.chain(*lists), *values[end + 1 :]]
        for value in self.files(values):
            call.scope.variables[name] = value
            self._run(call.command.body, call.scope)

    def _function(self, call: Call) -> None:
        name, *parameters = call.values
        self.functions[name.lower()] = parameters, call.command.body

    def _call(self, call: Call) -> None:
        parameters, body = self.functions[call.command.name]
        rest = call.values[len(parameters) :]
        arguments = {**dict(zip(parameters, call.values)), "ARGN": ";".join(rest)}
        arguments |= {"ARGC": str(len(call.values)), "ARGV": ";".join(call.values)}
        scope, variables = call.scope, {**call.scope.variables, **arguments}
        inner = Scope(scope.folder, variables, scope, scope.items)
        self._run_inside(call.command.name, body, inner)

    # --- files

    def _include(self, call: Call) -> None:
        name = call.values[0]
        folders = call.scope.values("CMAKE_MODULE_PATH")
        for path in (name, *(f"{folder}/{name}.cmake" for folder in folders)):
            file = relative(call.scope.path(path))
            if file is not None and (self.root / file).is_file():
                self._run_file(file, call.scope)
                return
        if not _MODULES.fullmatch(name):
            raise ValueError(name)

    def _add_subdirectory(self, call: Call) -> None:
        folder, outer = relative(call.scope.path(call.values[0])) or "", call.scope
        self._run_folder(Scope(folder, dict(outer.variables), outer, list(outer.items)))

    def _file(self, call: Call) -> None:
        action, name, *patterns = call.values
        if action not in {"GLOB", "GLOB_RECURSE"} or "RELATIVE" in patterns:
            raise ValueError(action)
        words = {"CONFIGURE_DEPENDS", "LIST_DIRECTORIES", "true", "false"}
        paths = [call.scope.path(pattern) for pattern in patterns if pattern not in words]
        if action == "GLOB_RECURSE":
            split = map(posixpath.split, paths)
            paths = [posixpath.join(folder, "**", pattern) for folder, pattern in split]
        found = [path for path in paths if self.files([path])]
        if not found:
            self.remark(call.command, f"no file matches {' '.join(patterns)}")
        call.scope.variables[name] = ";".join(found)

    def _execute_process(self, call: Call) -> None:
        # Projects run tvm_ffi.config to find the CMake package of apache-tvm-ffi. The plugin does
        # not need this package, so this command needs no translation.
        if "tvm_ffi.config" not in call.values:
            raise ValueError(call.values)

    def _find_package(self, call: Call) -> None:
        name, variables = call.values[0], call.scope.variables
        for prefix in (name, name.upper()):
            variables.setdefault(prefix, None)
        if "REQUIRED" in call.values:
            variables[f"{name}_FOUND"] = "1"
        if name == "tvm_ffi":
            # `EmbedCubin.cmake` of apache-tvm-ffi (0.1.15) sets this default.
            variables.setdefault("CMAKE_CUDA_RUNTIME_LIBRARY", "Shared")

    # --- variables

    def _assign(self, call: Call, name: str, value: str) -> None:
        if is_lost(name, value, self.build_type):
            self.lost(call.command)
        call.scope.variables[name] = value

    def _set(self, call: Call) -> None:
        name, *items = call.values
        end = items.index("CACHE") if "CACHE" in items else len(items)
        if end < len(items) and not {"INTERNAL", "FORCE"} & set(items[end:]):
            self._fix(call, name, ";".join(items[:end]))
        elif items[-1:] == ["PARENT_SCOPE"]:
            outer = Call(call.command, call.scope.parent or call.scope, [])
            self._assign(outer, name, ";".join(items[:-1]))
        else:
            self._assign(call, name, ";".join(items[:end]))

    @staticmethod
    def _unset(call: Call) -> None:
        call.scope.variables.pop(call.values[0], None)

    def _fix(self, call: Call, name: str, default: str) -> None:
        value = call.scope.variables.setdefault(name, default)
        self.remark(call.command, f"the option {name} is fixed to its value {value}")

    def _list(self, call: Call) -> None:
        action, name, *items = call.values
        current = call.scope.values(name)
        if action in {"APPEND", "PREPEND"}:
            current = [*current, *items] if action == "APPEND" else [*items, *current]
        elif action == "REMOVE_ITEM":
            current = [one for one in self.files(current) if one not in items]
        elif action == "FILTER":
            keep = items[0] == "INCLUDE"
            current = [o for o in self.files(current) if bool(re.search(items[2], o)) is keep]
        elif action not in {"SORT", "REMOVE_DUPLICATES"}:
            raise ValueError(action)
        self._assign(call, name, ";".join(current))

    def _string(self, call: Call) -> None:
        action, name, *rest = call.values
        if action in {"TOLOWER", "TOUPPER"}:
            self._assign(call, rest[0], name.lower() if action == "TOLOWER" else name.upper())
        elif action == "APPEND":
            old = call.scope.lookup(name)
            self._assign(call, name, "".join([f"${{{name}}}" if old is None else old, *rest]))
        else:
            raise ValueError(action)

    def _project(self, call: Call) -> None:
        name, *rest = call.values
        version = rest[rest.index("VERSION") + 1] if "VERSION" in rest else ""
        folder = call.scope.path("")
        variables = {"CMAKE_PROJECT_NAME": name, **call.scope.variables, "PROJECT_NAME": name}
        variables |= {"PROJECT_SOURCE_DIR": folder, f"{name}_SOURCE_DIR": folder}
        call.scope.variables.update({**variables, "PROJECT_VERSION": version})

    # --- targets

    def _add_library(self, call: Call) -> None:
        name, *rest = call.values
        if rest[:1] == ["ALIAS"]:
            self.targets[name] = self.targets[rest[1]]
            return
        shared = not is_false(call.scope.lookup("BUILD_SHARED_LIBS") or "")
        kinds = [word for word in rest if word in _KINDS] or ["SHARED" if shared else "STATIC"]
        self._add(call, kinds[-1], [word for word in rest if word not in _KINDS])

    def _add(self, call: Call, kind: str, sources: list[str]) -> None:
        target = CMakeTarget(call.values[0], kind, call.command, call.scope)
        self.targets[target.name] = target
        for name in DEFAULTED:
            value = call.scope.lookup(f"CMAKE_{name}")
            if value:
                target.properties[name] = value, call.command
        self._extend(target.items, call, "sources", sources, PRIVATE)

    @staticmethod
    def _extend(
        items: list[Item], call: Call, kind: str, values: list[str], scope: str = PUBLIC
    ) -> None:
        for value in values:
            if value in _SCOPES:
                scope = value
            elif value not in _WORDS:
                path = kind in _PATHS and not value.startswith("$")
                text = call.scope.path(value) if path else value
                items.append(Item(kind, text, scope, call.command, "SYSTEM" in call.values))

    def _add_to_target(self, call: Call) -> None:
        name, *values = call.values
        if {"FILE_SET", "debug", "general", "optimized", "LINK_PUBLIC", "LINK_PRIVATE"} & {*values}:
            raise ValueError(values)
        kind = call.command.name[len("target_") :]
        self._extend(self.targets[name].items, call, kind, values)

    def _add_to_folder(self, call: Call) -> None:
        kind = re.sub("^add_", "", call.command.name)
        if kind == "definitions":
            macros = all(value.startswith("-D") for value in call.values)
            kind = "compile_definitions" if macros else "compile_options"
        self._extend(call.scope.items, call, kind, call.values, PRIVATE)

    def _set_property(self, call: Call) -> None:
        if call.command.name == "set_property":
            end = call.values.index("PROPERTY")
            kind, *names = call.values[:end]
            if {"APPEND", "APPEND_STRING"} & {*names}:
                raise ValueError(names)
            pairs = [call.values[end + 1], ";".join(call.values[end + 2 :])]
            if kind in {"GLOBAL", "CACHE"}:
                return
            if kind != "TARGET":
                raise ValueError(kind)
        else:
            end = call.values.index("PROPERTIES")
            names, pairs = call.values[:end], call.values[end + 1 :]
        for name in names:
            for key, value in zip(pairs[::2], pairs[1::2]):
                self.targets[name].properties[key] = value, call.command

    def _configure(self, call: Call) -> None:
        name, *values = call.values
        self.targets[name].configured = dict(zip(values[::2], values[1::2]))

    def _install(self, call: Call) -> None:
        kind, *values = call.values
        if kind != "TARGETS":
            self.lost(call.command, hint="list files of packages in [tool.setuptools.package-data]")
            return
        words = {"RUNTIME", "LIBRARY", "ARCHIVE", "DESTINATION", "COMPONENT", "EXPORT", "OPTIONAL"}
        end = next((i for i, value in enumerate(values) if value in words), len(values))
        pattern = r"(?:^|LIBRARY )(?:(?:COMPONENT|EXPORT) \S+ )?DESTINATION (\S+)"
        match = re.search(pattern, " ".join(values[end:]))
        if match is None or is_unknown(match[1]):
            raise ValueError(values)
        for name in values[:end]:
            target, destination = self.targets[name], posixpath.normpath(match[1])
            is_shared = target.kind in {"SHARED", "MODULE"}
            if is_shared and target.destination in {None, destination}:
                target.destination = destination
            elif target.kind != "INTERFACE":
                hint = "the wheel contains each shared library once, and no other targets"
                self.lost(call.command, name, hint)
