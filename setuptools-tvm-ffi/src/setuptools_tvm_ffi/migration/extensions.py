# SPDX-License-Identifier: Apache-2.0
"""Translates the targets of a CMake project to the settings of extensions.

`docs/from-cmake.md` has the equivalents of CMake's commands. Keep both in agreement.
"""

from __future__ import annotations

import glob
import os
import posixpath
import re
import shlex
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name

from ..project.sources import HEADER_SUFFIXES
from ..settings.declaration import key_of
from ..settings.languages import ARCHIVE_SUFFIXES, LANGUAGE_BY_SUFFIX, OBJECT_SUFFIXES
from ..settings.model import (
    C_STANDARDS,
    CUDA_STANDARDS,
    CXX_STANDARDS,
    SANITIZERS,
    ExtensionSettings,
    settings_of,
    tables_of,
)
from .cmake_language import Command, items_of
from .generator_expressions import Evaluator, UnknownExpressionError, is_false
from .interpreter import BINARY, PLATLIB, SOURCE, Interpreter, relative, unknown_variables
from .platforms import answer
from .targets import INTERFACE, PRIVATE, PUBLIC, Item, Target, Targets

Table = dict[str, Any]

#: The settings of extensions, in the order in which the reference lists them.
KEYS = [key_of(s.field) for s in settings_of(ExtensionSettings)]
KEYS += [key_of(name) for name in tables_of(ExtensionSettings)]

_MERGED = {"STATIC", "OBJECT"}
_SHARED = {"SHARED", "MODULE"}
_VENDORED = {"3rdparty", "deps", "extern", "external", "third_party", "third-party", "vendor"}
# Properties with the effect that the plugin's builds always have, or with no effect on a wheel.
_DEFAULT_PROPERTIES = re.compile(
    r"POSITION_INDEPENDENT_CODE|\w+_STANDARD_REQUIRED|LINKER_LANGUAGE|CXX_VISIBILITY_PRESET"
    r"|VISIBILITY_INLINES_HIDDEN|CUDA_RESOLVE_DEVICE_SYMBOLS|\w+_OUTPUT_DIRECTORY\w*|FOLDER"
    r"|EXPORT_COMPILE_COMMANDS|SKIP_BUILD_RPATH|BUILD_WITH_INSTALL_RPATH|MACOSX_RPATH|EXPORT_NAME"
    r"|INSTALL_RPATH_USE_LINK_PATH|IMPORTED_\w+|OUTPUT_NAME"
    r"|LIBRARY_OUTPUT_NAME|INTERFACE_POSITION_INDEPENDENT_CODE"
)
_KNOWN_PACKAGES = re.compile(r"(tvm_ffi|TVM_FFI|Python3?|PYTHON)_\w+")
_CUDA_INCLUDES = re.compile(r"(CUDAToolkit|CUDA)_INCLUDE_DIRS?")


@dataclass
class Translation:
    """Translates the targets of one platform.

    :param install_dir: the folder of `wheel.install-dir`.
    :param distribution: the name of the project.
    :param project: project-wide settings that targets determine.
    """

    targets: Targets
    interpreter: Interpreter
    build_type: str
    install_dir: str
    distribution: str
    project: Table = field(default_factory=dict)

    def extensions(self) -> dict[str, Table]:
        """Return the settings of all libraries of the wheel, by the names of the extensions."""
        found = {}
        for each in {id(target): target for target in self.targets.targets.values()}.values():
            if each.kind not in _SHARED:
                continue
            if each.destination is None:
                if each.configured is not None:
                    self._remark(each.command, f"{each.name} is not installed: it is left out")
                continue
            table = self._extension(each)
            found[table["name"]] = table
        if self.targets.generated:
            self.project["generate"] = self.targets.generated
        return found

    def _remark(self, command: Command, text: str) -> None:
        self.interpreter.remark(command, text)

    def _system(self) -> str:
        return answer(self.interpreter.platform, "sys_platform")

    # --- one library

    def _extension(self, target: Target) -> Table:
        table: Table = {"name": f"{self._package(target)}.{self._output_name(target)}"}
        links = list(self._links(target))
        merged = self._merged(target, links)
        sources = self._sources(target, table)
        parts = {part.name: (part, self._sources(part, table)) for part in merged}
        table["sources"] = sources + [s for _, own in parts.values() for s in own]
        languages = sorted({LANGUAGE_BY_SUFFIX[_suffix(s)] for s in table["sources"]}) or ["cxx"]
        dependencies = [self.targets.targets[n] for _, n in links if n in self.targets.targets]
        self._usage(target, dependencies, table, languages)
        for part, own in parts.values():
            options = self._options_of_part(part, own, table)
            if options:
                table.setdefault("source-options", []).append(options)
        for item, name in links:
            self._link(target, item, name, table)
        common = self._flags_of(target, "CMAKE_SHARED_LINKER_FLAGS")
        for item, value in self._values([*common, *target.of("link-option")]):
            words = [re.sub("^LINKER:", "-Wl,", word) for word in self._words(item, value)]
            table.setdefault("extra-link-args", []).extend(words)
        folders = [self._folder(*pair) for pair in self._values(target.of("link-dir"))]
        table["library-dirs"] = table.get("library-dirs", []) + folders
        self._properties(target, table, languages)
        for part in merged:
            for language in ("C", "CXX", "CUDA"):
                number = part.properties.get(f"{language}_STANDARD")
                if number is not None:
                    self._standard(part.command, language.lower(), number, table)
        self._cuda(target, table, languages)
        self._stubs(target, table, [name for _, name in links])
        preset = "default" if self._is_linked(target) else "hidden"
        if target.properties.get("CXX_VISIBILITY_PRESET", preset) != "hidden":
            self._show_symbols(table)
        return _tidy(table)

    def _package(self, target: Target) -> str:
        folder = posixpath.normpath(posixpath.join(self.install_dir, target.destination or "."))
        folder = relative(folder, PLATLIB) or folder
        package = folder.strip("/").replace("/", ".")
        if not all(part.isidentifier() for part in package.split(".")):
            fallback = canonicalize_name(self.distribution).replace("-", "_")
            self._remark(
                target.command,
                f"{target.name} is installed to {folder!r}, which is no package: it becomes part "
                f"of {fallback}",
            )
            return fallback
        return package

    def _output_name(self, target: Target) -> str:
        properties = target.properties
        name = properties.get("LIBRARY_OUTPUT_NAME") or properties.get("OUTPUT_NAME")
        if "PREFIX" in properties and self.interpreter.platform.get("sys_platform") != "win32":
            self._remark(
                target.set_by.get("PREFIX", target.command),
                f"the file becomes lib{name or target.name}.so: load it with load_lib_module, see "
                "'PREFIX' in the manual",
            )
        return name or target.name

    def _links(self, target: Target) -> Iterator[tuple[Item, str]]:
        """Yield what a target links, directly or through static and interface libraries."""
        seen: set[str] = set()
        pending = [(item, value) for item, value in self._values(target.of("link"))]
        while pending:
            item, name = pending.pop(0)
            if name in seen and not name.startswith("-"):
                continue
            seen.add(name)
            yield item, name
            other = self.targets.targets.get(name)
            if other is not None:
                every = other.kind in _MERGED
                scopes = (PUBLIC, INTERFACE, PRIVATE) if every else (PUBLIC, INTERFACE)
                pending += self._values(other.of("link", scopes))

    def _merged(self, target: Target, links: Iterable[tuple[Item, str]]) -> list[Target]:
        """Return the static and object libraries whose sources become part of a library."""
        names = [name for _, name in links]
        for item in target.of("source"):
            names += re.findall(r"\$<TARGET_OBJECTS:([^>]+)>", item.value)
        found = {n: self.targets.targets[n] for n in names if n in self.targets.targets}
        return list({id(t): t for t in found.values() if t.kind in _MERGED}.values())

    def _values(self, items: Iterable[Item], language: str = "") -> Iterator[tuple[Item, str]]:
        """Yield the values of items without generator expressions. Remark on unknown values."""
        evaluator = Evaluator(self.build_type, self._system, language)
        for item in items:
            if "CONFIG:" in item.value or "CONFIG>" in item.value:
                self._remark(
                    item.command, f"only the part for {self.build_type} of {item.value!r} is kept"
                )
            try:
                evaluated = evaluator.evaluate(item.value)
            except UnknownExpressionError as problem:
                self._remark(item.command, f"only CMake knows the value of {problem}")
                continue
            for value in items_of(evaluated):
                unknown = [
                    name for name in unknown_variables(value) if not _KNOWN_PACKAGES.match(name)
                ]
                if unknown and not any(map(_CUDA_INCLUDES.fullmatch, unknown)):
                    self._remark(item.command, f"only CMake knows the value of {value!r}")
                elif not unknown_variables(value) or unknown:
                    yield item, value

    # --- sources

    def _sources(self, target: Target, table: Table) -> list[str]:
        found: list[str] = []
        plain = (item for item in target.of("source") if "$<TARGET_OBJECTS:" not in item.value)
        for item, value in self._values(plain):
            path = target.scope.path(value)
            if _suffix(path) in HEADER_SUFFIXES:
                continue
            for each in [path] if _suffix(path) in _SOURCE_SUFFIXES else self._expanded(path):
                name = self._file(item, each)
                if name is not None and _suffix(name) in LANGUAGE_BY_SUFFIX:
                    found.append(name)
                elif name is not None:
                    table.setdefault("extra-objects", []).append(name)
        return list(dict.fromkeys(found))

    def _expanded(self, path: str) -> list[str]:
        """Return the sources that a path without the suffix of a source stands for."""
        files = self.interpreter.files([path])
        if files == [path]:
            return files
        return [file for file in files if _suffix(file) in _SOURCE_SUFFIXES]

    def _file(self, item: Item, path: str) -> str | None:
        """Return a source or an object as the settings name it."""
        if _suffix(path) not in _SOURCE_SUFFIXES:
            self._remark(item.command, f"the plugin does not compile {posixpath.basename(path)}")
            return None
        inside = relative(path)
        if inside is None:
            inside = relative(path, BINARY)
            if not any(inside in entry["outputs"] for entry in self.targets.generated):
                self._remark(item.command, f"{posixpath.basename(path)} is not in the project")
                return None
        elif not glob.has_magic(inside) and not (self.interpreter.root / inside).is_file():
            self._remark(item.command, f"the file {inside} does not exist")
        return inside

    def _options_of_part(self, part: Target, sources: list[str], table: Table) -> Table:
        """Return the entry of `source-options` for the sources of a static library."""
        own: Table = {}
        if not sources:
            return own
        languages = sorted({LANGUAGE_BY_SUFFIX[_suffix(source)] for source in sources})
        self._add_usage({k: list(part.of(k)) for k in _USAGE}, own, languages)
        own["include-dirs"] = own.get("include-dirs", []) + own.pop("system-include-dirs", [])
        for key in ("include-dirs", "define-macros"):
            own[key] = [v for v in own.get(key, ()) if v not in table.get(key, ())]
        shared = table.get("extra-compile-args", {})
        own["extra-compile-args"] = {
            language: words
            for language, words in own.get("extra-compile-args", {}).items()
            if words != shared.get(language)
        }
        kept = {key: value for key, value in own.items() if key in _SOURCE_KEYS}
        if any(parent in _VENDORED for s in sources for parent in PurePosixPath(s).parts):
            self._vendor({"name": part.name})
        return _tidy({"sources": sources, **kept}) if any(map(_filled, kept.values())) else {}

    # --- compilation

    def _usage(
        self, target: Target, dependencies: list[Target], table: Table, languages: list[str]
    ) -> None:
        items = {kind: list(target.of(kind)) for kind in _USAGE}
        for dependency in dependencies:
            for kind in _USAGE:
                items[kind] += dependency.of(kind, (PUBLIC, INTERFACE))
        flags = self._flags(target)
        self._add_usage(items, table, languages)
        arguments = table.setdefault("extra-compile-args", {})
        for language in languages:
            arguments[language] = flags.get(language, []) + arguments.get(language, [])
        for item, feature in self._values(items["feature"]):
            standard = re.fullmatch(r"(c|cxx|cuda)_std_(\d+)", feature)
            if standard is None:
                self._remark(item.command, f"the feature {feature} is not translated")
            else:
                self._standard(item.command, standard[1], standard[2], table)

    def _add_usage(self, items: dict[str, list[Item]], table: Table, languages: list[str]) -> None:
        for item, value in self._values(items.get("include", ()), languages[0]):
            self._include(item, value, table)
        arguments = table.setdefault("extra-compile-args", {})
        macros: dict[str, list[str]] = {}
        for language in languages:
            for _, value in self._values(items.get("definition", ()), language):
                macros.setdefault(_stripped(value[2:] if value[:2] == "-D" else value), []).append(
                    language
                )
            options = self._values(items.get("option", ()), language)
            words = [word for item, value in options for word in self._words(item, value)]
            arguments[language] = arguments.get(language, []) + self._without_sanitizer(words)
        for macro, of in macros.items():
            if len(set(of)) == len(languages):
                name, equals, content = macro.partition("=")
                pair = [name, content] if equals else [name]
                table.setdefault("define-macros", []).append(pair)
            else:
                for language in dict.fromkeys(of):
                    arguments[language].append(f"-D{macro}")

    def _include(self, item: Item, value: str, table: Table) -> None:
        if any(map(_CUDA_INCLUDES.fullmatch, unknown_variables(value))):
            table["cuda-toolkit"] = True
            return
        path = _beside(item.command, value)
        generated = relative(path, BINARY)
        if generated is not None:
            if any(
                o.startswith(f"{generated}/") for e in self.targets.generated for o in e["outputs"]
            ):
                self._remark(item.command, f"include generated headers as '{generated}/…'")
            return
        key = "system-include-dirs" if item.system else "include-dirs"
        table.setdefault(key, []).append(self._folder(item, path))

    def _folder(self, item: Item, path: str) -> str:
        inside = relative(path)
        if inside is not None and not (self.interpreter.root / inside).is_dir():
            self._remark(item.command, f"the folder {inside} does not exist")
        return inside or path

    def _flags(self, target: Target) -> dict[str, list[str]]:
        """Return the words of CMAKE_CXX_FLAGS and similar variables."""
        found = {}
        for language, name in (("c", "C"), ("cxx", "CXX"), ("cuda", "CUDA")):
            names = (f"CMAKE_{name}_FLAGS", f"CMAKE_{name}_FLAGS_{self.build_type.upper()}")
            items = [item for each in names for item in self._flags_of(target, each)]
            words = [
                word for item, value in self._values(items) for word in self._words(item, value)
            ]
            found[language] = self._without_sanitizer(words)
        return found

    def _flags_of(self, target: Target, name: str) -> list[Item]:
        """Return the item for a variable with flags, if the variable is set."""
        # CMake uses the values at the end of the folder.
        flags = (target.scope.of_folder or target.scope.variables).get(name, "")
        if flags is None:
            self._remark(target.command, f"only CMake knows the value of {name}")
        return [Item(f"SHELL:{flags}", PRIVATE, target.command)] if flags else []

    def _words(self, item: Item, value: str) -> list[str]:
        """Return the words of an argument of the compiler or the linker."""
        if BINARY in value:
            self._remark(item.command, f"{value!r} refers to the build folder of CMake")
            return []
        shell = value.startswith("SHELL:")
        try:
            words = shlex.split(value[len("SHELL:") :]) if shell else [value]
        except ValueError as problem:
            self._remark(item.command, f"{value!r}: {problem}")
            return []
        return list(map(_stripped, words))

    def _without_sanitizer(self, words: list[str]) -> list[str]:
        names = {f"-fsanitize={name}": setting for setting, name in SANITIZERS.items()}
        for word in words:
            if word in names:
                self.project["build-type"] = names[word]
        return [word for word in words if word not in names]

    def _standard(self, command: Command, language: str, number: str, table: Table) -> None:
        key = f"{language}-std"
        supported = {"c": C_STANDARDS, "cxx": CXX_STANDARDS, "cuda": CUDA_STANDARDS}[language]
        # The first standard is the default, and the oldest that the headers support.
        if number in supported[1:] and number > table.get(key, ""):
            table[key] = number
        elif number not in {*supported, "90", "98", "99", "03", "11", "14"}:
            self._remark(command, f"{key} cannot be {number}")

    # --- linking

    def _link(self, target: Target, item: Item, name: str, table: Table) -> None:
        def add(key: str, *values: str) -> None:
            table.setdefault(key, []).extend(values)

        other = self.targets.targets.get(name)
        path = _stripped(name)
        if other is not None and other.kind == "IMPORTED":
            location = other.properties.get("IMPORTED_LOCATION") or other.properties.get(
                "IMPORTED_LOCATION_RELEASE"
            )
            if location:
                self._link_file(item, posixpath.normpath(location), table)
            elif not other.items:
                self._remark(item.command, f"{name} has no IMPORTED_LOCATION")
        elif other is not None:
            if other.kind in _SHARED and other.destination is None:
                self._remark(item.command, f"{name} is not installed: the wheel lacks it")
            elif other.kind in _SHARED:
                add("libraries", self._output_name(other))
        elif name.startswith("tvm_ffi"):
            pass
        elif name.startswith("PkgConfig::"):
            pass  # pkg_check_modules() is named
        elif name == "Threads::Threads":
            if self._system() == "linux":
                add("libraries", "pthread")
        elif name.startswith("CUDA::"):
            self._link_cuda(name[len("CUDA::") :], table)
        elif re.fullmatch(r"Python3?::NumPy", name):
            add("include-from", "numpy:get_include")
        elif "::" in name:
            self._remark(
                item.command,
                f"{name}: find the library with 'pkg-config', or with 'include-dirs', "
                "'library-dirs' and 'libraries'",
            )
        elif name.startswith("-l"):
            add("libraries", name[2:])
        elif name.startswith("-L"):
            add("library-dirs", _stripped(name[2:]))
        elif name.startswith("-"):
            add("extra-link-args", *self._words(item, f"SHELL:{name}"))
        elif posixpath.isabs(name):
            self._link_file(item, name, table)
        elif "/" in path:
            self._link_file(item, target.scope.path(path), table)
        else:
            add("libraries", name)

    def _link_file(self, item: Item, path: str, table: Table) -> None:
        suffix = _suffix(path)
        name = posixpath.basename(path)
        inside = relative(path)
        if suffix in ARCHIVE_SUFFIXES | OBJECT_SUFFIXES:
            file = self._file(item, path)
            if file is not None:
                table.setdefault("extra-objects", []).append(file)
                if suffix in ARCHIVE_SUFFIXES:
                    plain = os.path.splitext(name)[0]
                    self._vendor({"name": re.sub("^lib", "", plain), "path": file})
        elif inside is not None:
            table.setdefault("library-dirs", []).append(posixpath.dirname(inside))
            table.setdefault("libraries", []).append(re.sub(r"^lib|\.(so|dylib)\b.*$", "", name))
        else:
            self._remark(item.command, f"the library {name} is not in the project")

    def _link_cuda(self, name: str, table: Table) -> None:
        table["cuda-toolkit"] = True
        if name in {"cudart", "cudart_static"}:
            table["cuda-runtime"] = "shared" if name == "cudart" else "static"
        elif name != "toolkit":
            library = "cuda" if name == "cuda_driver" else name
            table.setdefault("libraries", []).append(library)

    def _is_linked(self, target: Target) -> bool:
        """Return whether another library of the wheel links a library."""
        return any(
            self.targets.targets.get(item.value) is target
            for other in self.targets.targets.values()
            if other.kind in _SHARED
            for item in other.of("link")
        )

    def _show_symbols(self, table: Table) -> None:
        """Export all functions of a library, as CMake does by default."""
        if self._system() != "win32":
            for language, words in table["extra-compile-args"].items():
                if language in {"c", "cxx"}:
                    words.insert(0, "-fvisibility=default")

    # --- properties

    def _properties(self, target: Target, table: Table, languages: list[str]) -> None:
        for key, value in target.properties.items():
            command = target.set_by.get(key, target.command)
            on = not is_false(value)
            standard = re.fullmatch(r"(C|CXX|CUDA)_STANDARD", key)
            if standard is not None:
                self._standard(command, standard[1].lower(), value, table)
            elif key == "CUDA_SEPARABLE_COMPILATION":
                if on and "cuda" in languages:
                    table["cuda-separable-compilation"] = True
            elif key == "INTERPROCEDURAL_OPTIMIZATION":
                self.project.update({"lto": True} if on else {})
            elif key == "COMPILE_WARNING_AS_ERROR":
                self.project.update({"warnings-as-errors": True} if on else {})
            elif key == "CXX_COMPILER_LAUNCHER":
                self.project["compiler-launcher"] = value
            elif key == "INSTALL_RPATH":
                folders = [f for f in items_of(value) if f not in {"$ORIGIN", "@loader_path"}]
                arguments = [f"-Wl,-rpath,{f}" for f in folders if "tvm_ffi" not in f]
                if self._system() != "win32":
                    table.setdefault("extra-link-args", []).extend(arguments)
            elif key == "CXX_EXTENSIONS":
                if on:
                    self._remark(command, "the plugin compiles without extensions of the compiler")
            elif key.endswith("_VISIBILITY_PRESET") and value == "hidden":
                pass
            elif key not in {"CUDA_ARCHITECTURES", "CUDA_RUNTIME_LIBRARY", "PREFIX"} and not (
                _DEFAULT_PROPERTIES.fullmatch(key)
            ):
                self._remark(command, f"the property {key} is not translated")

    def _cuda(self, target: Target, table: Table, languages: list[str]) -> None:
        runtime = target.properties.get("CUDA_RUNTIME_LIBRARY", "Static").lower()
        if "cuda" in languages:
            table.setdefault("cuda-runtime", runtime)
            table["cuda-architectures"] = self._architectures(target)
            table.pop("cuda-toolkit", None)
        if table.get("cuda-runtime") == "static":
            del table["cuda-runtime"]

    def _architectures(self, target: Target) -> list[str]:
        command = target.set_by.get("CUDA_ARCHITECTURES", target.command)
        found = []
        for word in items_of(target.properties.get("CUDA_ARCHITECTURES", "")):
            match = re.fullmatch(r"(\d+)(\d[af]?)(-real)?", word)
            if match is not None:
                found.append(f"{match[1]}.{match[2]}{'' if match[3] else '+PTX'}")
            elif word in {"all", "all-major", "native"}:
                found.append(word)
            elif word != "OFF":
                self._remark(command, f"the CUDA architecture {word} has no equivalent")
        return found

    def _stubs(self, target: Target, table: Table, links: Collection[str]) -> None:
        arguments = target.configured
        if arguments is None:
            table["stubs"] = "none"
            table["link-shared"] = "tvm_ffi::shared" in links
            table["link-header"] = table["link-shared"] or "tvm_ffi::header" in links
            return
        for key in ("LINK_SHARED", "LINK_HEADER", "MSVC_FLAGS"):
            if is_false(arguments.get(key, "ON")):
                table[key.lower().replace("_", "-")] = False
        if not is_false(arguments.get("DEBUG_SYMBOL", "")):
            table["debug-symbols"] = True
        if not arguments.get("STUB_DIR"):
            table["stubs"] = "none"
        elif is_false(arguments.get("STUB_INIT", "")):
            table["stubs"] = "directives"
        prefix = arguments.get("STUB_PREFIX", "").rstrip(".")
        if prefix and prefix != table["name"].rpartition(".")[0]:
            table["registry-prefix"] = prefix
        name = arguments.get("STUB_PKG", self.distribution)
        if canonicalize_name(name) != canonicalize_name(self.distribution):
            self._remark(
                target.command,
                f"STUB_PKG {name}: load_lib_module finds libraries by the name of the "
                f"distribution, {self.distribution}",
            )

    def _vendor(self, entry: Table) -> None:
        entries = self.project.setdefault("vendored", [])
        if entry not in entries:
            entries.append(entry)


_USAGE = ("include", "definition", "option", "feature")
_SOURCE_SUFFIXES = {*LANGUAGE_BY_SUFFIX, *OBJECT_SUFFIXES, *ARCHIVE_SUFFIXES}
_SOURCE_KEYS = ("include-dirs", "define-macros", "extra-compile-args")
_ABSENT = {"cuda-toolkit": False, "link-shared": True, "link-header": True}


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1]


def _beside(command: Command, path: str) -> str:
    """Return an absolute path. A relative path is relative to the file of the command."""
    return posixpath.normpath(posixpath.join(SOURCE, posixpath.dirname(command.file), path))


def _stripped(text: str) -> str:
    """Return a text with paths relative to the project."""
    return text.replace(f"{SOURCE}/", "").replace(SOURCE, ".")


def _filled(value: object) -> bool:
    return any(map(_filled, value.values())) if isinstance(value, dict) else bool(value)


def _tidy(table: Table) -> Table:
    """Remove empty values, defaults and repeated items, and sort by the order of the reference.

    Arguments stay, because an option and its value can be two arguments.
    """
    found = {}
    for key in sorted(table, key=lambda k: KEYS.index(k) if k in KEYS else len(KEYS)):
        value = table[key]
        if isinstance(value, list) and key != "extra-link-args":
            value = [one for index, one in enumerate(value) if one not in value[:index]]
        if isinstance(value, dict):
            value = {name: words for name, words in value.items() if words}
        if value in ([], {}) or _ABSENT.get(key) is value:
            continue
        found[key] = value
    return found
