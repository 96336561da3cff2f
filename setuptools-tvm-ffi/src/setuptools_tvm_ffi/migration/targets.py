# SPDX-License-Identifier: Apache-2.0
"""The targets of a CMake project, and the commands that define and change them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .cmake_language import Command, items_of
from .interpreter import (
    BINARY,
    DEFAULTED,
    SOURCE,
    Interpreter,
    Scope,
    relative,
    unknown_variables,
)

PUBLIC, PRIVATE, INTERFACE = "PUBLIC", "PRIVATE", "INTERFACE"
_KINDS = {"SHARED", "MODULE", "STATIC", "OBJECT", "INTERFACE"}
_SCOPES = {PUBLIC, PRIVATE, INTERFACE}
_CONFIGURATIONS = {"debug", "optimized", "general"}
_FLAGS = {"SYSTEM", "BEFORE", "AFTER", "EXCLUDE_FROM_ALL", "GLOBAL", "IMPORTED"}

# The commands that add items to targets or to the targets of a folder, and the kind of the items.
_ITEMS = {
    "target_sources": "source",
    "target_include_directories": "include",
    "target_compile_definitions": "definition",
    "target_compile_options": "option",
    "target_link_libraries": "link",
    "target_link_options": "link-option",
    "target_link_directories": "link-dir",
    "target_compile_features": "feature",
}
_OF_FOLDER = {
    "include_directories": "include",
    "add_compile_definitions": "definition",
    "add_definitions": "definition",
    "add_compile_options": "option",
    "link_libraries": "link",
    "add_link_options": "link-option",
    "link_directories": "link-dir",
}
# Properties whose values are items.
_PROPERTY_ITEMS = {
    "INCLUDE_DIRECTORIES": "include",
    "COMPILE_DEFINITIONS": "definition",
    "COMPILE_OPTIONS": "option",
    "COMPILE_FLAGS": "option",
    "LINK_LIBRARIES": "link",
    "LINK_OPTIONS": "link-option",
    "LINK_FLAGS": "link-option",
    "SOURCES": "source",
}
_PATHS = {"source", "include", "link-dir"}


@dataclass(frozen=True)
class Item:
    """An item of a list of a target: a source, an include folder, a definition and so on.

    :param scope: ``PRIVATE``, ``PUBLIC`` or ``INTERFACE``.
    """

    value: str
    scope: str
    command: Command
    system: bool = False


@dataclass
class Target:
    """A target with its lists and properties.

    :param kind: the second argument of ``add_library``, or ``EXECUTABLE`` or ``IMPORTED``.
    :param set_by: the commands that set the properties. Defaults of properties have none.
    :param configured: the arguments of ``tvm_ffi_configure_target``, or None without this command.
    :param destination: the folder that the library is installed to, or None.
    """

    name: str
    kind: str
    command: Command
    scope: Scope
    items: dict[str, list[Item]] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    set_by: dict[str, Command] = field(default_factory=dict)
    configured: dict[str, str] | None = None
    destination: str | None = None

    def of(self, kind: str, scopes: Sequence[str] = (PRIVATE, PUBLIC)) -> Iterator[Item]:
        """Yield the items of a kind, by default those that the target itself uses."""
        yield from (item for item in self.items.get(kind, ()) if item.scope in scopes)


@dataclass
class Targets:
    """The targets, and what the project generates."""

    targets: dict[str, Target] = field(default_factory=dict)
    folder_items: dict[str, dict[str, list[Item]]] = field(default_factory=dict)
    generated: list[dict[str, Any]] = field(default_factory=list)
    fetched: dict[str, str] = field(default_factory=dict)
    interpreter: Interpreter = field(init=False)

    def is_target(self, name: str) -> bool:
        """Return whether a target is defined."""
        return name in self.targets or name.startswith("tvm_ffi::")

    def receive(self, command: Command, values: list[str], scope: Scope) -> bool:
        """Apply a command, and return whether the command is known."""
        own = getattr(self, f"_{command.name}_", None)
        if own is not None:
            own(command, values, scope)
        elif command.name in _ITEMS:
            self._target_items(command, values, scope)
        elif command.name in _OF_FOLDER:
            self._folder_items(command, values, scope)
        else:
            return False
        return True

    def _add_library_(self, command: Command, values: list[str], scope: Scope) -> None:
        name, *rest = values
        if rest[:1] == ["ALIAS"]:
            self.targets[name] = self.targets[rest[1]]
            return
        kind = rest[0] if rest and rest[0] in _KINDS else ""
        if not kind:  # BUILD_SHARED_LIBS is OFF by default
            shared = self.interpreter.lookup(scope)("BUILD_SHARED_LIBS") in {"ON", "1", "TRUE"}
            kind = "SHARED" if shared else "STATIC"
        self._add(command, name, "IMPORTED" if "IMPORTED" in rest else kind, rest, scope)

    def _add_executable_(self, command: Command, values: list[str], scope: Scope) -> None:
        self._add(command, values[0], "EXECUTABLE", values[1:], scope)

    def _add(self, command: Command, name: str, kind: str, rest: list[str], scope: Scope) -> Target:
        target = self.targets[name] = Target(name, kind, command, scope)
        for key, items in self.folder_items.get(scope.folder, {}).items():
            target.items[key] = list(items)
        sources = [value for value in rest if value not in {*_KINDS, *_FLAGS}]
        item_scope = INTERFACE if kind == "INTERFACE" else PRIVATE
        self._append(target, "source", [(value, item_scope) for value in sources], command, scope)
        look_up = self.interpreter.lookup(scope)
        for each in DEFAULTED:
            value = look_up(f"CMAKE_{each}") if f"CMAKE_{each}" in scope.variables else ""
            if value is None:
                self.interpreter.remark(command, f"only CMake knows the value of CMAKE_{each}")
            elif value:
                target.properties[each] = value
        if "CMAKE_SHARED_LIBRARY_PREFIX" in scope.variables:
            target.properties["PREFIX"] = ""
        return target

    def _append(
        self,
        target: Target,
        kind: str,
        values: Sequence[tuple[str, str]],
        command: Command,
        scope: Scope,
        *,
        system: bool = False,
    ) -> None:
        for value, item_scope in values:
            special = value.startswith(("$<", "${", "/@"))
            text = scope.path(value) if kind in _PATHS and not special else value
            item = Item(text, item_scope, command, system)
            target.items.setdefault(kind, []).append(item)

    def _existing(self, command: Command, name: str) -> Target | None:
        if name not in self.targets:
            self.interpreter.remark(command, f"the target {name} is not defined")
        return self.targets.get(name)

    def _target_items(self, command: Command, values: list[str], scope: Scope) -> None:
        target = self._existing(command, values[0])
        if target is None:
            return
        current = PRIVATE if target.kind != "INTERFACE" else INTERFACE
        found = []
        skipped = False
        for before, value in zip(values, values[1:]):
            if value in _SCOPES or value in {"LINK_PUBLIC", "LINK_PRIVATE"}:
                current = value.replace("LINK_", "")
                skipped = False
            elif value == "FILE_SET":
                self.interpreter.remark(command, "list the folders of FILE_SET in 'include-dirs'")
                skipped = True
            elif value in _CONFIGURATIONS and command.name == "target_link_libraries":
                self.interpreter.remark(command, f"the keyword {value!r} is not translated")
            elif before == "debug" and command.name == "target_link_libraries":
                continue
            elif value not in _FLAGS and not skipped:
                found.append((value, current))
        system = "SYSTEM" in values
        self._append(target, _ITEMS[command.name], found, command, scope, system=system)

    def _folder_items(self, command: Command, values: list[str], scope: Scope) -> None:
        kind = _OF_FOLDER[command.name]
        if command.name == "add_definitions" and not all(v.startswith("-D") for v in values):
            kind = "option"
        holder = Target("", "", command, scope)
        found = [(value, PRIVATE) for value in values if value not in _FLAGS]
        self._append(holder, kind, found, command, scope, system="SYSTEM" in values)
        added = holder.items.get(kind, [])
        self.folder_items.setdefault(scope.folder, {}).setdefault(kind, []).extend(added)
        if kind in {"include", "definition"}:  # CMake adds these to existing targets, too.
            for target in self.targets.values():
                if target.scope.folder == scope.folder:
                    target.items.setdefault(kind, []).extend(added)

    def _add_subdirectory_(self, command: Command, values: list[str], scope: Scope) -> None:
        folder = scope.path(values[0])
        inner = relative(folder) or ""
        inherited = self.folder_items.get(scope.folder, {})
        self.folder_items[inner] = {kind: list(items) for kind, items in inherited.items()}
        self.interpreter.add_folder(command, folder, scope)

    def _set_target_properties_(self, command: Command, values: list[str], scope: Scope) -> None:
        index = values.index("PROPERTIES")
        pairs = list(zip(values[index + 1 :: 2], values[index + 2 :: 2]))
        for name in values[:index]:
            target = self._existing(command, name)
            if target is not None:
                for key, value in pairs:
                    self._set_property(command, target, key, value, scope)

    def _set_property_(self, command: Command, values: list[str], scope: Scope) -> None:
        index = values.index("PROPERTY")
        key, value = values[index + 1], ";".join(values[index + 2 :])
        names = [v for v in values[1:index] if v not in {"APPEND", "APPEND_STRING"}]
        if values[0] == "TARGET":
            for name in names:
                target = self._existing(command, name)
                if target is not None:
                    self._set_property(command, target, key, value, scope)
        elif values[0] not in {"GLOBAL", "CACHE"}:
            self.interpreter.remark(command, f"the property {key} is not translated")

    def _set_property(
        self, command: Command, target: Target, key: str, value: str, scope: Scope
    ) -> None:
        plain = key.replace("INTERFACE_", "").replace("SYSTEM_", "")
        if plain in _PROPERTY_ITEMS:
            item_scope = INTERFACE if key.startswith("INTERFACE_") else PRIVATE
            items = value.split() if plain.endswith("_FLAGS") else items_of(value)
            pairs = [(one, item_scope) for one in items]
            system = "SYSTEM_" in key
            kind = _PROPERTY_ITEMS[plain]
            self._append(target, kind, pairs, command, scope, system=system)
        else:
            target.properties[key] = value
            target.set_by[key] = command

    # --- packages

    def _find_package_(self, command: Command, values: list[str], scope: Scope) -> None:
        del command
        if values[0] == "tvm_ffi":
            # `EmbedCubin.cmake` of apache-tvm-ffi (0.1.15) does so.
            scope.variables.setdefault("CMAKE_CUDA_RUNTIME_LIBRARY", "Shared")
        scope.variables[f"{values[0]}_FOUND"] = "1" if "REQUIRED" in values else None
        for suffix in ("INCLUDE_DIR", "INCLUDE_DIRS", "LIBRARY", "LIBRARIES"):
            for prefix in {values[0], values[0].upper()}:
                scope.variables.setdefault(f"{prefix}_{suffix}", None)

    def _pkg_check_modules_(self, command: Command, values: list[str], scope: Scope) -> None:
        words = {"REQUIRED", "QUIET", "IMPORTED_TARGET", "GLOBAL", "STATIC_TARGET"}
        modules = [value for value in values[1:] if value not in words]
        self.interpreter.remark(command, f"list {' '.join(modules)} in 'pkg-config'")
        suffixes = "FOUND LIBRARIES LINK_LIBRARIES LDFLAGS LIBRARY_DIRS INCLUDE_DIRS CFLAGS"
        scope.variables.update({f"{values[0]}_{suffix}": None for suffix in suffixes.split()})

    def _fetchcontent_declare_(self, command: Command, values: list[str], scope: Scope) -> None:
        del command
        if "SOURCE_DIR" in values and not {"GIT_REPOSITORY", "URL"} & set(values):
            self.fetched[values[0]] = scope.path(values[values.index("SOURCE_DIR") + 1])

    def _fetchcontent_makeavailable_(
        self, command: Command, values: list[str], scope: Scope
    ) -> None:
        for name in values:
            if name in self.fetched:
                self._add_subdirectory_(command, [self.fetched[name]], scope)
            else:
                self.interpreter.remark(
                    command,
                    f"{name} is downloaded: copy its code into the project, list its sources, and "
                    "declare it in 'vendored'",
                )

    # --- generated files

    def _add_custom_command_(self, command: Command, values: list[str], scope: Scope) -> None:
        words = ("OUTPUT", "COMMAND", "DEPENDS", "WORKING_DIRECTORY", "COMMENT", "BYPRODUCTS")
        lists: dict[str, list[str]] = {}
        current = ""
        for value in values:
            if value in words:
                current = value
                if value == "COMMAND" and value in lists:
                    self._not_generated(command, "it runs several commands")
                    return
                lists[current] = []
            elif value not in {"VERBATIM", "APPEND", "COMMAND_EXPAND_LISTS"}:
                lists.setdefault(current, []).append(value)
        outputs = {v: scope.path(v, BINARY) for v in lists.get("OUTPUT", ())}
        names = [relative(path, BINARY) for path in outputs.values()]
        words_of = [outputs.get(word, word) for word in lists.get("COMMAND", ())]
        if not names or None in names:
            self._not_generated(command, "its outputs are not in the build folder")
            return
        folder = scope.path(lists.get("WORKING_DIRECTORY", [BINARY])[0])
        command_line = [self._word(word) for word in words_of if word != "ARGS"]
        problem = next((w for w in words_of if w in {">", "&&", "|", "cmake"} or "${" in w), None)
        if problem is not None or "$<" in "".join(command_line) or not command_line:
            self._not_generated(command, f"only CMake can run {' '.join(command_line)!r}")
            return
        if folder not in {SOURCE, BINARY}:
            self._not_generated(command, f"it runs in {relative(folder) or folder}")
            return
        inputs = [relative(scope.path(value)) for value in lists.get("DEPENDS", ())]
        exist = [i for i in inputs if i and (self.interpreter.root / i).exists()]
        entry: dict[str, Any] = {"command": command_line, "outputs": names}
        further = [one for one in exist if one not in command_line]
        self.generated.append({**entry, **({"inputs": further} if further else {})})

    def _not_generated(self, command: Command, reason: str) -> None:
        self.interpreter.remark(
            command, f"the command does not fit the setting 'generate': {reason}"
        )

    @staticmethod
    def _word(word: str) -> str:
        """Return a word of a command with the folders that the setting `generate` uses."""
        return word.replace(BINARY, "{out}").replace(f"{SOURCE}/", "").replace(SOURCE, ".")

    # --- helpers of apache-tvm-ffi

    def _tvm_ffi_configure_target_(self, command: Command, values: list[str], scope: Scope) -> None:
        del scope
        target = self._existing(command, values[0])
        if target is not None:
            target.configured = dict(zip(values[1::2], values[2::2]))

    # --- installation

    def _install_(self, command: Command, values: list[str], scope: Scope) -> None:
        del scope
        if values[0] != "TARGETS":
            self.interpreter.remark(
                command,
                f"install({values[0]}) adds files to the wheel: put them into the package, and "
                "list them in [tool.setuptools.package-data]",
            )
            return
        words = {"RUNTIME", "LIBRARY", "ARCHIVE", "DESTINATION", "COMPONENT", "EXPORT", "OPTIONAL"}
        end = next((i for i, value in enumerate(values) if value in words), len(values))
        destinations = {}
        kind = ""
        for word, value in zip(values[end:], [*values[end + 1 :], ""]):
            if word in {"RUNTIME", "LIBRARY", "ARCHIVE"}:
                kind = word
            elif word == "DESTINATION":
                destinations[kind] = value
        destination = destinations.get("LIBRARY", destinations.get("", "lib"))
        for name in values[1:end]:
            target = self._existing(command, name)
            if target is None or target.kind in {"STATIC", "OBJECT", "INTERFACE"}:
                continue
            if unknown_variables(destination):
                self.interpreter.remark(command, f"the folder {destination} is known only to CMake")
            elif target.kind == "EXECUTABLE":
                self.interpreter.remark(command, "the plugin builds no programs")
            else:
                target.destination = posixpath.normpath(destination)
