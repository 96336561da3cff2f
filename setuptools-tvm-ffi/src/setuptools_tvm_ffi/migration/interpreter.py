# SPDX-License-Identifier: Apache-2.0
"""Evaluates variables, conditions and loops of CMake, and passes on the commands about targets."""

from __future__ import annotations

import glob
import operator
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Union

from packaging.version import InvalidVersion, Version

from .cmake_language import Argument, Command, Lookup, body_of, evaluate, expand, items_of, parse
from .generator_expressions import is_false
from .platforms import ANSWERS, Platform, QuestionError, answer

FILE = "CMakeLists.txt"
#: The folders of the sources and of the build, as absolute paths in the values of variables.
SOURCE, BINARY = "/@source", "/@binary"
#: The folder of the wheel's packages.
PLATLIB = "/@platlib"

_TRUE = {"1", "ON", "YES", "TRUE", "Y"}
_SYSTEM_NAMES = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}
# The compilers that the plugin uses. On Linux, it can be GCC or Clang.
_COMPILERS = {"darwin": "AppleClang", "win32": "MSVC"}
_COMPILER_IDS = {"CMAKE_C_COMPILER_ID", "CMAKE_CXX_COMPILER_ID"}
_SYSTEM_FLAGS = {
    "WIN32": {"win32"},
    "MSVC": {"win32"},
    "APPLE": {"darwin"},
    "UNIX": {"linux", "darwin"},
    "LINUX": {"linux"},
}
# The values of these variables come from the compilers, from packages and from the installation.
_UNKNOWN = re.compile(
    r"CMAKE_\w*COMPILER\w*|CMAKE_INSTALL_\w+|CMAKE_(HOST_)?SYSTEM_\w+|\w+_FOUND|MINGW|MSVC_\w+|"
    r"(CUDAToolkit|Python3?|tvm_ffi|TVM_FFI|CUDA|OpenMP)_\w+"
)
_CUDA_VERSIONS = {"CMAKE_CUDA_COMPILER_VERSION", "CUDAToolkit_VERSION", "CUDA_VERSION"}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "LESS": operator.lt,
    "GREATER": operator.gt,
    "EQUAL": operator.eq,
    "LESS_EQUAL": operator.le,
    "GREATER_EQUAL": operator.ge,
}
_REFERENCE = re.compile(r"\$(ENV)?\{([^}]*)\}")
#: The properties of targets with a default: the variable CMAKE_<property>.
DEFAULTED = (
    *("C_STANDARD", "CXX_STANDARD", "CUDA_STANDARD", "CUDA_ARCHITECTURES"),
    *("CUDA_RUNTIME_LIBRARY", "CUDA_SEPARABLE_COMPILATION", "CXX_EXTENSIONS", "INSTALL_RPATH"),
    *("CXX_VISIBILITY_PRESET", "INTERPROCEDURAL_OPTIMIZATION"),
    *("COMPILE_WARNING_AS_ERROR", "CXX_COMPILER_LAUNCHER"),
)
# Further variables of CMake that the translation reads.
_READ = re.compile(
    r"CMAKE_((C|CXX|CUDA)_FLAGS|SHARED_LINKER_FLAGS|MODULE_PATH|BUILD_TYPE|SHARED_LIBRARY_PREFIX"
    r"|INSTALL_\w*DIR)"
)
# Variables without an effect on the libraries, or with the effect that the plugin always has.
_HARMLESS = re.compile(
    r"CMAKE_(POLICY_\w+|EXPORT_COMPILE_COMMANDS|COLOR_\w+|VERBOSE_MAKEFILE|\w+_STANDARD_REQUIRED"
    r"|POSITION_INDEPENDENT_CODE|\w+_OUTPUT_DIRECTORY\w*|SKIP_(BUILD_|INSTALL_)?RPATH"
    r"|BUILD_WITH_INSTALL_RPATH|INSTALL_RPATH_USE_LINK_PATH|MACOSX_RPATH|VISIBILITY_INLINES_HIDDEN"
    r"|PREFIX_PATH|REQUIRED_\w+|FIND_\w+|BUILD_PARALLEL_LEVEL|C_EXTENSIONS|CUDA_EXTENSIONS"
    r"|CONFIGURATION_TYPES|MESSAGE_\w+|WARN_\w+|CXX_SCAN_FOR_MODULES)"
)
# Modules that come with CMake. The commands that they define are translated or named.
_MODULES = re.compile(
    r"Check\w+|CMake\w+|CPack\w*|CTest\w*|ExternalProject|FeatureSummary|FetchContent"
    r"|FindPackage\w+|GenerateExportHeader|GNUInstallDirs|GoogleTest|ProcessorCount|Select\w+|Test\w+"
)
_PROCESSORS = {"CMAKE_SYSTEM_PROCESSOR", "CMAKE_HOST_SYSTEM_PROCESSOR"}
# Commands without an effect on the libraries.
_IGNORED = frozenset(
    """
    add_dependencies add_test block cmake_minimum_required cmake_policy enable_language
    enable_testing endblock include_guard mark_as_advanced message site_name source_group
    tvm_ffi_add_apple_dsymutil tvm_ffi_add_msvc_flags tvm_ffi_add_prefix_map
    tvm_ffi_hide_static_linked_lib_symbols tvm_ffi_install
    """.split()  # noqa: SIM905 - a list of literals would take 20 lines
)
# Commands that only set variables, to values that this module does not compute.
_SETS_VARIABLES = frozenset(
    """
    check_c_compiler_flag check_c_source_compiles check_cxx_compiler_flag check_cxx_source_compiles
    check_include_file check_include_file_cxx check_ipo_supported check_symbol_exists
    cmake_host_system_information cmake_path find_file find_library find_path find_program
    get_cmake_property get_directory_property get_filename_component get_property
    get_source_file_property get_target_property math
    """.split()  # noqa: SIM905
)


class Recipient(Protocol):
    """Receives the commands about targets."""

    def receive(self, command: Command, values: list[str], scope: Scope) -> bool:
        """Apply a command, and return whether the command is known."""

    def is_target(self, name: str) -> bool:
        """Return whether a target is defined."""


@dataclass(frozen=True)
class Scope:
    """The folder of a `CMakeLists.txt` and its variables.

    :param built: the part of the folder below the outermost `CMakeLists.txt`.
    :param of_parent: the variables that the folder or the function sets with ``PARENT_SCOPE``.
    :param of_folder: the folder's variables, or None if `variables` are these.
    """

    folder: str = ""
    built: str = ""
    variables: dict[str, str | None] = field(default_factory=dict)
    of_parent: dict[str, str | None] = field(default_factory=dict)
    of_folder: dict[str, str | None] | None = None

    def path(self, text: str, base: str = SOURCE) -> str:
        """Return an absolute path. A relative path is relative to the folder below `base`."""
        return posixpath.normpath(
            posixpath.join(base, self.built if base == BINARY else self.folder, text)
        )


def relative(path: str, base: str = SOURCE) -> str | None:
    """Return a path relative to the sources or the build folder, or None if it is outside.

    >>> relative("/@source/csrc/a.cc"), relative("/usr/include")
    ('csrc/a.cc', None)
    """
    if path == base:
        return "."
    return path[len(base) + 1 :] if path.startswith(f"{base}/") else None


def unknown_variables(text: str) -> list[str]:
    """Return the names of variables in a value that only CMake knows.

    >>> unknown_variables("${FOO_DIR}/include")
    ['FOO_DIR']
    """
    return [match[2] for match in _REFERENCE.finditer(text)]


def is_lost(name: str, build_type: str) -> bool:
    """Return whether the translation ignores a variable that affects CMake's builds."""
    if re.fullmatch(f"CMAKE_(C|CXX|CUDA)_FLAGS_{re.escape(build_type.upper())}", name):
        return False
    if not name.startswith("CMAKE_") or name[len("CMAKE_") :] in DEFAULTED:
        return False
    return not (_READ.fullmatch(name) or _HARMLESS.fullmatch(name))


@dataclass
class Interpreter:
    """Evaluates the commands of a project's `CMakeLists.txt`. CMake does not run.

    :param root: the folder of the project.
    :param start: the folder of the outermost `CMakeLists.txt` below the root.
    :param definitions: the variables that scikit-build-core passes.
    :param remarks: what could not be translated.
    """

    root: Path
    start: str
    definitions: Mapping[str, str]
    platform: Platform
    recipient: Recipient
    remarks: dict[str, None] = field(default_factory=dict)
    functions: dict[str, tuple[Command, Sequence[Command]]] = field(default_factory=dict)
    active: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Run the outermost `CMakeLists.txt`.

        :raises BuildError: the file is not valid CMake.
        """
        variables: dict[str, str | None] = dict(self.definitions)
        for name in ("CMAKE_SOURCE_DIR", "PROJECT_SOURCE_DIR"):
            variables[name] = posixpath.normpath(posixpath.join(SOURCE, self.start))
        for name in ("CMAKE_BINARY_DIR", "PROJECT_BINARY_DIR"):
            variables[name] = BINARY
        for name in ("Python_EXECUTABLE", "Python3_EXECUTABLE", "PYTHON_EXECUTABLE"):
            variables[name] = "{python}"
        variables |= {"CMAKE_VERSION": "4.0.0", "CMAKE_SIZEOF_VOID_P": "8", "SKBUILD": "2"}
        variables["SKBUILD_PLATLIB_DIR"] = PLATLIB
        self._folder(self.start, variables)

    def remark(self, command: Command, text: str) -> None:
        """Record why a command is not translated."""
        self.remarks[f"{command.place}: {text}"] = None

    def _assign(
        self, command: Command, name: str, value: str, variables: dict[str, str | None]
    ) -> None:
        build_type = self.definitions["CMAKE_BUILD_TYPE"]
        hides = name.endswith("_VISIBILITY_PRESET") and value == "hidden"
        if name.startswith("ENV{") or (is_lost(name, build_type) and not hides):
            self.remark(command, f"the variable {name} is not translated")
        variables[name] = value

    @staticmethod
    def _forget(values: Sequence[str], scope: Scope) -> None:
        """Mark the variables that a command sets as known only to CMake."""
        for value in values:
            if re.fullmatch(r"[A-Za-z_]\w*", value):
                scope.variables[value] = None

    def _folder(self, folder: str, variables: dict[str, str | None]) -> Scope:
        built = posixpath.relpath(folder or ".", self.start or ".")
        scope = Scope(folder, "" if built == "." else built, variables)
        variables["CMAKE_CURRENT_SOURCE_DIR"] = scope.path("")
        variables["CMAKE_CURRENT_BINARY_DIR"] = scope.path("", BINARY)
        self._run_file(posixpath.join(folder, FILE), scope)
        return scope

    def _run_file(self, file: str, scope: Scope) -> None:
        names = ("CMAKE_CURRENT_LIST_FILE", "CMAKE_CURRENT_LIST_DIR")
        before = {name: scope.variables.get(name) for name in names}
        path = posixpath.join(SOURCE, file)
        scope.variables.update(zip(names, (path, posixpath.dirname(path))))
        self.active.add(file)
        self._commands(self._read(file), scope)
        self.active.remove(file)
        scope.variables.update(before)

    def _read(self, file: str) -> list[Command]:
        return parse((self.root / file).read_text("utf-8", errors="replace"), file)

    def _commands(self, commands: Sequence[Command], scope: Scope) -> bool:
        """Run commands. Return whether to continue: ``return()`` ends a file and a function."""
        index = 0
        while index < len(commands):
            command = commands[index]
            end = index
            if command.name == "return":
                return False
            try:
                if command.name in {"if", "foreach", "while", "function", "macro"}:
                    end = body_of(commands, index)
                    if not self._block(command, commands[index + 1 : end], scope):
                        return False
                elif not self._command(command, scope):
                    return False
            except (LookupError, ValueError, re.error):
                self.remark(command, f"the arguments of {command.name}() are not understood")
            index = end + 1
        return True

    def _block(self, command: Command, body: Sequence[Command], scope: Scope) -> bool:
        if command.name == "if":
            return self._if(command, body, scope)
        if command.name == "foreach":
            return self._foreach(command, body, scope)
        if command.name == "while":
            self.remark(command, "while() is not evaluated")
        else:
            self.functions[expand(command.arguments, self.lookup(scope))[0].lower()] = command, body
        return True

    def _command(self, command: Command, scope: Scope) -> bool:
        values = expand(command.arguments, self.lookup(scope))
        own = getattr(self, f"_{command.name}_", None)
        if own is not None:
            own(command, values, scope)
        elif command.name in self.functions:
            return self._call(command, values, scope)
        elif command.name in _SETS_VARIABLES:
            self._forget(values, scope)
        elif command.name not in _IGNORED and not self.recipient.receive(command, values, scope):
            self.remark(command, f"{command.name}() is not translated")
        return True

    def lookup(self, scope: Scope) -> Lookup:
        """Return the function that returns the value of a variable, see `Lookup`."""

        def value(name: str) -> str | None:
            if name in scope.variables:
                return scope.variables[name]
            if name in {"CMAKE_SYSTEM_NAME", "CMAKE_HOST_SYSTEM_NAME"}:
                return _SYSTEM_NAMES[answer(self.platform, "sys_platform")]
            if name in _PROCESSORS:
                return answer(self.platform, "platform_machine")
            if name in _COMPILER_IDS:
                return _COMPILERS.get(answer(self.platform, "sys_platform"))
            if name == "CMAKE_DL_LIBS":
                return "dl" if answer(self.platform, "sys_platform") == "linux" else ""
            flag = _SYSTEM_FLAGS.get(name.replace("CMAKE_HOST_", ""))
            if flag is not None:
                return str(int(answer(self.platform, "sys_platform") in flag))
            return None if _UNKNOWN.fullmatch(name) else ""

        return value

    # --- blocks

    def _if(self, command: Command, body: Sequence[Command], scope: Scope) -> bool:
        branches: list[tuple[Command, list[Command]]] = [(command, [])]
        depth = 0
        for inner in body:
            if depth == 0 and inner.name in {"elseif", "else"}:
                branches.append((inner, []))
                continue
            depth += (inner.name == "if") - (inner.name == "endif")
            branches[-1][1].append(inner)
        texts = [argument.text for branch, _ in branches for argument in branch.arguments]
        if any("CMAKE_BUILD_TYPE" in text for text in texts) and (
            {"STREQUAL", "MATCHES", "IN_LIST"} & set(texts)
        ):
            build_type = scope.variables["CMAKE_BUILD_TYPE"]
            self.remark(command, f"only the part for the build type {build_type} is kept")
        for branch, commands in branches:
            holds = branch.name == "else" or self._condition(branch, scope)
            if holds is None and any(one.name not in _IGNORED for one in commands):
                text = " ".join(argument.text for argument in branch.arguments)
                self.remark(branch, f"only CMake can decide {branch.name}({text}): taken as false")
            if holds:
                return self._commands(commands, scope)
        return True

    def _foreach(self, command: Command, body: Sequence[Command], scope: Scope) -> bool:
        name, *values = expand(command.arguments, self.lookup(scope))
        if values[:1] == ["IN"]:
            values = list(self._in(values[1:], scope))
        elif values[:1] == ["RANGE"] or "ZIP_LISTS" in values:
            self.remark(command, "foreach() with RANGE or ZIP_LISTS is not evaluated")
            return True
        for value in self.files(values):
            if unknown_variables(value):
                self.remark(command, f"only CMake knows the value {value!r}")
                continue
            scope.variables[name] = value
            if not self._commands(body, scope):
                return False
        return True

    def _in(self, values: Sequence[str], scope: Scope) -> Iterator[str]:
        kind = ""
        for value in values:
            if value in {"LISTS", "ITEMS"}:
                kind = value
            elif kind == "LISTS":
                found = self.lookup(scope)(value)
                yield from [f"${{{value}}}"] if found is None else items_of(found)
            else:
                yield value

    def _call(self, command: Command, values: list[str], scope: Scope) -> bool:
        """Call a function or a macro. Return whether to continue: a macro can end its caller."""
        if command.name in self.active:
            self.remark(command, f"{command.name}() calls itself, which is not evaluated")
            return True
        definition, body = self.functions[command.name]
        _, *names = expand(definition.arguments, self.lookup(scope))
        arguments: dict[str, str | None] = {f"ARGV{i}": value for i, value in enumerate(values)}
        arguments |= {"ARGC": str(len(values)), "ARGV": ";".join(values)}
        arguments |= {"ARGN": ";".join(values[len(names) :]), **dict(zip(names, values))}
        file = posixpath.join(SOURCE, definition.file)
        arguments["CMAKE_CURRENT_FUNCTION_LIST_DIR"] = posixpath.dirname(file)
        self.active.add(command.name)
        goes_on = True
        if definition.name == "function":
            variables = {**scope.variables, **arguments}
            of_folder = scope.of_folder or scope.variables
            inner = Scope(scope.folder, scope.built, variables, of_folder=of_folder)
            self._commands(body, inner)
            scope.variables.update(inner.of_parent)
        else:
            before = dict(scope.variables)
            scope.variables.update(arguments)
            goes_on = self._commands(body, scope)
            for name in arguments:  # the arguments of a macro are no variables
                scope.variables.pop(name, None)
                if name in before:
                    scope.variables[name] = before[name]
        self.active.remove(command.name)
        return goes_on

    # --- conditions

    def _condition(self, command: Command, scope: Scope) -> bool | None:
        """Return the value of a condition, or None if only CMake knows it."""
        look_up = self.lookup(scope)
        tokens: list[Argument] = []
        for argument in command.arguments:
            value = evaluate(argument, look_up)
            items = items_of(value) if argument.kind == "unquoted" else [value]
            tokens += [Argument(item, argument.kind) for item in items]
        return _Condition(self, command, tokens, scope).value()

    # --- commands about variables and files

    def _set_(self, command: Command, values: list[str], scope: Scope) -> None:
        name, *items = values
        if "CACHE" in items:
            index = items.index("CACHE")
            fixed = "INTERNAL" in items[index:] or "FORCE" in items[index:]
            items = items[:index]
            if not fixed:
                items = items_of(scope.variables.get(name) or ";".join(items))
                self.remark(command, f"the option {name} is fixed to its value {';'.join(items)}")
        if items[-1:] == ["PARENT_SCOPE"]:
            self._assign(command, name, ";".join(items[:-1]), scope.of_parent)
        else:
            self._assign(command, name, ";".join(items), scope.variables)

    def _unset_(self, command: Command, values: list[str], scope: Scope) -> None:
        del command
        if values[1:] == ["PARENT_SCOPE"]:
            scope.of_parent[values[0]] = ""
        else:
            scope.variables.pop(values[0], None)

    def _option_(self, command: Command, values: list[str], scope: Scope) -> None:
        name, *rest = values
        value = scope.variables.setdefault(name, rest[1] if len(rest) > 1 else "OFF")
        self.remark(command, f"the option {name} is fixed to its value {value}")

    def _list_(self, command: Command, values: list[str], scope: Scope) -> None:
        action, name, *items = values
        old = self.lookup(scope)(name)
        if old is None:
            return
        current = items_of(old)
        if action in {"APPEND", "PREPEND"}:
            current = current + items if action == "APPEND" else items + current
        elif action == "REMOVE_ITEM":
            current = [one for one in self.files(current) if one not in items]
        elif action == "REMOVE_DUPLICATES":
            current = list(dict.fromkeys(current))
        elif action == "FILTER":
            keep = items[0] == "INCLUDE"
            current = [o for o in self.files(current) if bool(re.search(items[2], o)) is keep]
        elif action not in {"SORT", "REVERSE"}:
            self.remark(command, f"list({action}) is not evaluated")
            reads = action in {"GET", "LENGTH", "JOIN", "SUBLIST", "FIND"}
            self._forget(items[-1:] if reads else [name, *items], scope)
            return
        self._assign(command, name, ";".join(current), scope.variables)

    def _file_(self, command: Command, values: list[str], scope: Scope) -> None:
        action, name, *patterns = values
        if action not in {"GLOB", "GLOB_RECURSE"}:
            self.remark(command, f"file({action}) is not evaluated")
            self._forget(values[1:], scope)
            return
        if "RELATIVE" in patterns:
            index = patterns.index("RELATIVE")
            del patterns[index : index + 2]
        found = []
        for pattern in patterns:
            if pattern in {"CONFIGURE_DEPENDS", "LIST_DIRECTORIES", "true", "false"}:
                continue
            path = scope.path(pattern)
            if action == "GLOB_RECURSE":
                path = posixpath.join(posixpath.dirname(path), "**", posixpath.basename(path))
            if self.files([path]):
                found.append(path)
        if not found:
            self.remark(command, f"no file matches {' '.join(patterns)}")
        scope.variables[name] = ";".join(found)

    def _string_(self, command: Command, values: list[str], scope: Scope) -> None:
        action, *rest = values
        if action in {"TOLOWER", "TOUPPER"}:
            self._assign(command, rest[1], getattr(rest[0], action[2:].lower())(), scope.variables)
        elif action in {"APPEND", "PREPEND", "CONCAT"}:
            name, text = rest[0], "".join(rest[1:])
            old = "" if action == "CONCAT" else self.lookup(scope)(name)
            if old is not None:
                text = text + old if action == "PREPEND" else old + text
                self._assign(command, name, text, scope.variables)
            elif name in scope.variables:
                self.remark(command, f"only CMake knows the value of {name}")
        else:
            self.remark(command, f"string({action}) is not evaluated")
            self._forget(rest, scope)

    def _execute_process_(self, command: Command, values: list[str], scope: Scope) -> None:
        pairs = zip(values, values[1:])
        names = [name for keyword, name in pairs if keyword.endswith("_VARIABLE")]
        if not names:
            self.remark(command, "execute_process() is not translated")
        self._forget(names, scope)

    def _cmake_parse_arguments_(self, command: Command, values: list[str], scope: Scope) -> None:
        del command
        if values[0] == "PARSE_ARGV":
            arguments = items_of(scope.variables.get("ARGV") or "")
            values = [*values[2:6], *arguments[int(values[1]) :]]
        prefix, options, single, multiple, *words = values
        lists = map(items_of, (options, single, multiple))
        kinds = {name: kind for kind, names in enumerate(lists) for name in names}
        found: dict[str, list[str]] = {}
        current = ""
        for word in words:
            if word in kinds:
                found.setdefault(word, [])
                current = word if kinds[word] else ""
            else:
                found.setdefault(current or "UNPARSED_ARGUMENTS", []).append(word)
                current = current if kinds.get(current) == 2 else ""  # noqa: PLR2004 - multiple
        for name in (*kinds, "UNPARSED_ARGUMENTS"):
            scope.variables.pop(f"{prefix}_{name}", None)
            if kinds.get(name) == 0:
                scope.variables[f"{prefix}_{name}"] = str(name in found).upper()
            elif name in found:
                scope.variables[f"{prefix}_{name}"] = ";".join(found[name])

    def _project_(self, command: Command, values: list[str], scope: Scope) -> None:
        del command
        scope.variables["PROJECT_NAME"] = values[0]
        scope.variables.setdefault("CMAKE_PROJECT_NAME", values[0])
        for prefix in ("PROJECT", values[0]):
            scope.variables[f"{prefix}_SOURCE_DIR"] = scope.path("")
            scope.variables[f"{prefix}_BINARY_DIR"] = scope.path("", BINARY)
            if "VERSION" in values:
                scope.variables[f"{prefix}_VERSION"] = values[values.index("VERSION") + 1]

    def _include_(self, command: Command, values: list[str], scope: Scope) -> None:
        name = values[0]
        folders = items_of(scope.variables.get("CMAKE_MODULE_PATH") or "")
        paths = [scope.path(posixpath.join(folder, f"{name}.cmake")) for folder in folders]
        for path in [scope.path(name), *paths]:
            file = relative(path)
            if file in self.active:
                self.remark(command, f"{file} includes itself, which is not evaluated")
                return
            if file is not None and (self.root / file).is_file():
                self._run_file(file, scope)
                return
        if "OPTIONAL" not in values and not _MODULES.fullmatch(name):
            self.remark(command, f"the file {name} is not in the project")

    def add_folder(self, command: Command, path: str, scope: Scope) -> None:
        """Run the `CMakeLists.txt` of a folder in the project."""
        folder = relative(path)
        if folder is None or not (self.root / folder / FILE).is_file():
            self.remark(command, "the project does not contain this code: copy it into the project")
        elif posixpath.normpath(posixpath.join(folder, FILE)) in self.active:
            self.remark(command, "the folder adds itself")
        else:
            inner = self._folder(folder, dict(scope.variables))
            scope.variables.update(inner.of_parent)

    def files(self, values: Sequence[str]) -> list[str]:
        """Return values with globs below the sources replaced by the files that exist."""
        found: list[str] = []
        for value in values:
            inner = relative(value)
            if inner is None or not glob.has_magic(value):
                found.append(value)
                continue
            matches = (match.relative_to(self.root).as_posix() for match in self.root.glob(inner))
            found += sorted(posixpath.join(SOURCE, match) for match in matches)
        return found


_Value = Union[bool, QuestionError, None]


def _decided(values: Sequence[_Value], *, decisive: bool) -> _Value:
    """Return the value of an ``AND`` or ``OR``, which the value `decisive` of one part decides."""
    if any(value is decisive for value in values):
        return decisive
    questions = (value for value in values if isinstance(value, QuestionError))
    return next(questions, None if None in values else not decisive)


@dataclass
class _Condition:
    """The condition of an ``if``, as a parser that evaluates it."""

    interpreter: Interpreter
    command: Command
    tokens: list[Argument]
    scope: Scope

    def value(self) -> bool | None:
        """Return the value.

        :raises QuestionError: the value depends on an undetermined fact about the platform.
        """
        value = self._any_of()
        if isinstance(value, QuestionError):
            raise value
        return value

    def _any_of(self) -> _Value:
        values = [self._all_of()]
        while self._take("OR"):
            values.append(self._all_of())
        return _decided(values, decisive=True)

    def _all_of(self) -> _Value:
        values = [self._negation()]
        while self._take("AND"):
            values.append(self._negation())
        return _decided(values, decisive=False)

    def _negation(self) -> _Value:
        if self._take("NOT"):
            value = self._negation()
            return not value if isinstance(value, bool) else value
        if self._take("("):
            value = self._any_of()
            self._take(")")
            return value
        try:
            return self._test()
        except QuestionError as question:
            return question  # another part may decide the condition on this platform

    def _take(self, word: str) -> bool:
        if self.tokens and self.tokens[0].text == word and self.tokens[0].kind != "quoted":
            del self.tokens[0]
            return True
        return False

    def _test(self) -> bool | None:
        if not self.tokens:
            return False  # a variable without a value
        first = self.tokens.pop(0)
        if first.kind == "unquoted" and self.tokens:
            if first.text == "DEFINED":
                name = self.tokens.pop(0).text
                if name.startswith("ENV{"):
                    return None
                value = self.interpreter.lookup(self.scope)(name)
                return None if value is None else name in self.scope.variables or value != ""
            if first.text == "TARGET":
                return self.interpreter.recipient.is_target(self.tokens.pop(0).text)
            if first.text in {"EXISTS", "IS_DIRECTORY"}:
                path = relative(self.scope.path(self.tokens.pop(0).text))
                return None if path is None else (self.interpreter.root / path).exists()
            if first.text in {"COMMAND", "POLICY"}:
                del self.tokens[0]
                return True
        if len(self.tokens) > 1 and re.fullmatch(
            r"(VERSION_|STR)?(LESS|GREATER|EQUAL|LESS_EQUAL|GREATER_EQUAL)|MATCHES|IN_LIST",
            self.tokens[0].text,
        ):
            comparison = self.tokens.pop(0).text
            return self._compare(first, comparison, self.tokens.pop(0))
        return self._truth(first)

    def _truth(self, token: Argument) -> bool | None:
        if unknown_variables(token.text):
            return None
        if token.text.upper() in _TRUE or re.fullmatch(r"-?\d+(\.\d+)?", token.text):
            return not is_false(token.text)
        if token.kind != "unquoted" or is_false(token.text):
            return False
        value = self.interpreter.lookup(self.scope)(token.text)
        return None if value is None or unknown_variables(value) else not is_false(value)

    def _operand(self, token: Argument) -> str | None:
        text: str | None = token.text
        if token.kind == "unquoted":
            value = self.interpreter.lookup(self.scope)(token.text)
            text = token.text if value == "" and token.text not in self.scope.variables else value
        return None if text is None or unknown_variables(text) else text

    def _compare(self, first: Argument, comparison: str, second: Argument) -> bool | None:
        right = self._operand(second)
        name = first.text.strip("${}")
        if name in _CUDA_VERSIONS and comparison.startswith("VERSION_") and right is not None:
            return self._cuda(comparison[len("VERSION_") :], right)
        if name in _PROCESSORS and right is not None:
            machines = ANSWERS["platform_machine"]
            if not any(self._comparison(one, comparison, right) for one in machines):
                self.interpreter.remark(
                    self.command, f"overrides cannot name the processor {right}"
                )
        left = self._operand(first)
        if left is None and right is not None and name in _COMPILER_IDS:
            results = {self._comparison(one, comparison, right) for one in ("GNU", "Clang")}
            return results.pop() if len(results) == 1 else None
        return None if left is None or right is None else self._comparison(left, comparison, right)

    @staticmethod
    def _comparison(left: str, comparison: str, right: str) -> bool:
        if comparison == "MATCHES":
            return re.search(right, left) is not None
        if comparison == "IN_LIST":
            return left in items_of(right)
        kind = comparison.replace("VERSION_", "").replace("STR", "")
        try:
            if comparison.startswith("VERSION_"):
                return _COMPARISONS[kind](Version(left), Version(right))
            if not comparison.startswith("STR"):
                return _COMPARISONS[kind](float(left), float(right))
        except (InvalidVersion, ValueError):
            return False
        return _COMPARISONS[kind](left, right)

    def _cuda(self, comparison: str, release: str) -> bool:
        """Compare the release of nvcc, which an override can do with `cuda`."""
        symbol, expected = {
            "GREATER_EQUAL": (">=", "yes"),
            "LESS": (">=", "no"),
            "GREATER": (">", "yes"),
            "LESS_EQUAL": (">", "no"),
            "EQUAL": ("==", "yes"),
        }[comparison]
        return answer(self.interpreter.platform, f"{symbol}{release}") == expected
