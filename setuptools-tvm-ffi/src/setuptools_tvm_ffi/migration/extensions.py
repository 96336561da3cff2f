# SPDX-License-Identifier: Apache-2.0
"""Translates the targets of a CMake project to the settings of extensions.

`docs/from-cmake.md` lists the equivalents of CMake's commands. If you change this module, also
change that page.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from packaging.utils import canonicalize_name

from ..project.sources import HEADER_SUFFIXES
from ..settings.languages import ARCHIVE_SUFFIXES, LANGUAGE_BY_SUFFIX
from ..settings.model import C_STANDARDS, CUDA_STANDARDS, CXX_STANDARDS
from .cmake_language import Command, items_of
from .evaluator import (
    HARMLESS,
    INTERFACE,
    PLATLIB,
    PRIVATE,
    PUBLIC,
    SOURCE,
    CMakeTarget,
    Evaluator,
    Item,
    relative,
)
from .expressions import is_false, is_unknown, without_expressions

Table = dict[str, Any]

_SHARED = {"SHARED", "MODULE"}
_STANDARDS = {"C": C_STANDARDS, "CXX": CXX_STANDARDS, "CUDA": CUDA_STANDARDS}
_OLD_STANDARDS = {"90", "98", "99", "03", "11", "14"}
_PROJECT_SETTINGS = {
    "INTERPROCEDURAL_OPTIMIZATION": "lto",
    "COMPILE_WARNING_AS_ERROR": "warnings-as-errors",
}
# Other functions translate these properties, so `_Extension._property` ignores the properties.
_READ = {
    *("CUDA_ARCHITECTURES", "CUDA_RUNTIME_LIBRARY", "CXX_VISIBILITY_PRESET"),
    *("LIBRARY_OUTPUT_NAME", "OUTPUT_NAME"),
}
# The arguments of tvm_ffi_configure_target that `_Extension._stubs` translates.
_ARGUMENTS = {
    *("LINK_SHARED", "LINK_HEADER", "MSVC_FLAGS", "DEBUG_SYMBOL"),
    *("STUB_DIR", "STUB_INIT", "STUB_PKG", "STUB_PREFIX"),
}
# Only CMake knows these values, but they need no translation: builds with the plugin find Python
# and apache-tvm-ffi without settings, and `_links` evaluates TARGET_OBJECTS.
_FOUND = re.compile(r"\$\{(tvm_ffi|TVM_FFI|Python3?|PYTHON)_\w+\}|\$<TARGET_OBJECTS:[^>]+>")
_CUDA_FOUND = re.compile(r"\$\{(CUDAToolkit|CUDA)_INCLUDE_DIRS?\}")


def translate(project: Evaluator, install_dir: str, name: str) -> tuple[dict[str, Table], Table]:
    """Return the settings of the wheel's libraries, and the project-wide settings.

    :param install_dir: the folder that the key `wheel.install-dir` names.
    :param name: the name of the distribution.
    :returns: a dictionary that maps the name of each extension to the extension's settings, and the
        project-wide settings.
    """
    found: dict[str, Table] = {}
    settings: Table = {}
    for key, target in project.targets.items():
        if key != target.name or target.kind not in _SHARED:
            continue  # The target is an alias, or is not a shared library.
        if target.destination is not None:
            folder = posixpath.normpath(posixpath.join(install_dir, target.destination))
            table = _Extension(project, target, name, settings).translate(folder)
            found[table["name"]] = table
        elif target.configured is not None:
            project.lost(target.command, hint="no install() command installs the library")
    return found, settings


@dataclass
class _Extension:
    """Translates one library.

    :param settings: the project-wide settings. The translation of the library can add settings to
        this table.
    """

    project: Evaluator
    target: CMakeTarget
    distribution: str
    settings: Table
    table: Table = field(default_factory=dict)

    def translate(self, folder: str) -> Table:
        """Return the settings of the library.

        :param folder: the folder of the wheel that the library is installed into.
        """
        self.links = list(self._links())
        self.names = {name for _, name in self.links}
        used = [self.project.targets.get(name) for _, name in self.links]
        self.dependencies = list({one.name: one for one in used if one is not None}.values())
        #: The static and object libraries, whose sources become part of the library.
        self.parts = [one for one in self.dependencies if one.kind in {"STATIC", "OBJECT"}]
        self.table["name"] = f"{self._package(folder)}.{_output_name(self.target)}"
        self._sources()
        suffixes = {posixpath.splitext(source)[1] for source in self.table["sources"]}
        self.languages = sorted({LANGUAGE_BY_SUFFIX[suffix] for suffix in suffixes}) or ["cxx"]
        self._compilation()
        self._linking()
        self._properties()
        self._stubs()
        if "cuda" in self.languages:
            self._cuda()
        return {key: value for key, value in self.table.items() if value not in ([], {})}

    def _add(self, key: str, *values: object) -> None:
        """Add values to the list of a key, without duplicates.

        The list of `extra-link-args` keeps duplicates. ``-framework A -framework B``, for example,
        contains an argument twice.
        """
        items = self.table.setdefault(key, [])
        items += [one for one in values if key == "extra-link-args" or one not in items]

    def _package(self, folder: str) -> str:
        package = (relative(folder, PLATLIB) or folder).replace("/", ".")
        if all(part.isidentifier() for part in package.split(".")):
            return package
        fallback = canonicalize_name(self.distribution).replace("-", "_")
        hint = f"the folder {folder} is not a package, so the library becomes part of {fallback}"
        self.project.remark(self.target.command, f"{self.target.name}: {hint}")
        return fallback

    # --- items

    def _values(self, items: Iterable[Item], language: str = "cxx") -> Iterator[tuple[Item, str]]:
        """Evaluate the generator expressions in items, and yield each item with each of its values.

        A value that only CMake knows is not yielded, but recorded as not translated.
        """
        build_type, system = self.project.build_type, self.project.system
        for item in items:
            if re.search(r"\$<CONFIG\b", item.value):
                text = f"of {item.value!r}, only the part for {build_type} is kept"
                self.project.remark(item.command, text)
            for value in items_of(without_expressions(item.value, build_type, system, language)):
                if not is_unknown(value) or _CUDA_FOUND.fullmatch(value):
                    yield item, value
                elif not _FOUND.fullmatch(value):
                    self.project.lost(item.command, value, "only CMake knows the value")

    def _usage(self, kind: str, language: str = "cxx") -> Iterator[tuple[Item, str]]:
        """Yield the items of one kind that apply to the library.

        These are the items of the target, and the items of the static and object libraries that
        become part of the target. Of the target's other dependencies, only public items apply.
        """
        yield from self._values(self.target.of(kind, PRIVATE, PUBLIC), language)
        for one in self.dependencies:
            private = [PRIVATE] if one in self.parts else []
            yield from self._values(one.of(kind, PUBLIC, INTERFACE, *private), language)

    def _links(self) -> Iterator[tuple[Item, str]]:
        """Yield each library that the target links with, directly or through other targets."""
        seen: set[str] = set()
        pending = list(self._values(self.target.of("link_libraries", PRIVATE, PUBLIC)))
        for item in self.target.of("sources", PRIVATE, PUBLIC):
            names = re.findall(r"\$<TARGET_OBJECTS:([^>]+)>", item.value)
            pending += [(item, name) for name in names]
        while pending:
            item, name = pending.pop(0)
            if name in seen and not name.startswith("-"):
                continue
            seen.add(name)
            yield item, name
            other = self.project.targets.get(name)
            if other is not None:
                private = [] if other.kind in _SHARED else [PRIVATE]
                pending += self._values(other.of("link_libraries", PUBLIC, INTERFACE, *private))

    def _words(self, item: Item, value: str) -> list[str]:
        """Split the value of an item into arguments of the compiler or the linker."""
        shell = value.startswith("SHELL:")
        try:
            words = shlex.split(value[len("SHELL:") :]) if shell else [value]
        except ValueError as problem:
            self.project.lost(item.command, value, str(problem))
            return []
        return list(map(_stripped, words))

    def _flags(self, name: str) -> Iterator[str]:
        """Yield the arguments in CMAKE_<name>_FLAGS and in CMAKE_<name>_FLAGS_<build type>."""
        for suffix in ("", f"_{self.project.build_type.upper()}"):
            variable = f"CMAKE_{name}_FLAGS{suffix}"
            # CMake uses the values that the variables have at the end of the folder's
            # CMakeLists.txt.
            scopes = (one.scope.of_folder() for one in (self.target, *self.parts))
            for value in dict.fromkeys(scope.lookup(variable) for scope in scopes):
                text = f"${{{variable}}}" if value is None else f"SHELL:{value}"
                flags = Item("compile_options", text, PRIVATE, self.target.command, system=False)
                for item, one in self._values([flags]):
                    yield from self._words(item, one)

    # --- compilation

    def _sources(self) -> None:
        self._add("sources")
        for item, value in self._usage("sources"):
            suffix, inside = posixpath.splitext(value)[1], relative(value)
            if inside is not None and suffix in LANGUAGE_BY_SUFFIX:
                self._add("sources", inside)
            elif suffix not in HEADER_SUFFIXES:
                self.project.lost(item.command, _stripped(value), "not a source in the project")
        for part in self.parts:
            private = {item.kind for item in part.items if item.scope == PRIVATE}
            if private & {"compile_definitions", "compile_options"}:
                text = f"the private options of {part.name} apply to {self.target.name}, too"
                self.project.remark(part.command, text)

    def _compilation(self) -> None:
        for item, value in self._usage("include_directories", self.languages[0]):
            if is_unknown(value):
                self.table["cuda-toolkit"] = True
            else:
                key = "system-include-dirs" if item.system else "include-dirs"
                self._add(key, _stripped(value))
        arguments = {one: list(self._flags(one.upper())) for one in self.languages}
        macros: dict[str, set[str]] = {}
        for language in arguments:
            for item, value in self._usage("compile_options", language):
                arguments[language] += self._words(item, value)
            for _, value in self._usage("compile_definitions", language):
                macros.setdefault(re.sub("^-D", "", _stripped(value)), set()).add(language)
        for macro, of in macros.items():
            if of == set(arguments):
                self._add("define-macros", macro.split("=", 1))
            else:
                for language in of:
                    arguments[language].append(f"-D{macro}")
        # If the project does not call tvm_ffi_configure_target for a library, the library possibly
        # exists only because other libraries link with it. Therefore export its symbols, as CMake
        # does by default.
        default = "default" if self.target.configured is None else "hidden"
        hides = self.target.get("CXX_VISIBILITY_PRESET", default) == "hidden"
        for language in {"c", "cxx"} & arguments.keys():
            if not hides and self.project.system != "win32":
                arguments[language].insert(0, "-fvisibility=default")
        first, *others = arguments.values()
        filled = {language: words for language, words in arguments.items() if words}
        self.table["extra-compile-args"] = filled if any(o != first for o in others) else first

    # --- linking

    def _linking(self) -> None:
        self._add("extra-link-args", *self._flags("SHARED_LINKER"))
        for item, name in self.links:
            other = self.project.targets.get(name)
            if other is None:
                self._link(item, name)
            elif other.kind in _SHARED and other.destination is not None:
                self._add("libraries", _output_name(other))
            elif other.kind in {"IMPORTED", *_SHARED}:
                self.project.lost(item.command, name, "the wheel does not contain the library")
        for item, value in self._usage("link_options"):
            words = self._words(item, value)
            self._add("extra-link-args", *map(_linker_argument, words))
        for _, folder in self._usage("link_directories"):
            self._add("library-dirs", _stripped(folder))

    def _link(self, item: Item, name: str) -> None:
        library = re.sub("^(-l|CUDA::)", "", name).replace("cuda_driver", "cuda")
        if name.startswith("CUDA::"):
            self.table["cuda-toolkit"] = True
        if name == "CUDA::cudart":
            self.table["cuda-runtime"] = "shared"
        elif name == "Threads::Threads":
            self._add("libraries", *(["pthread"] if self.project.system == "linux" else []))
        elif name.startswith("-L"):
            self._add("library-dirs", _stripped(name[2:]))
        elif relative(name) is not None and posixpath.splitext(name)[1] in ARCHIVE_SUFFIXES:
            self._add("extra-objects", _stripped(name))
        elif name.startswith("-") and library == name:
            self._add("extra-link-args", *self._words(item, f"SHELL:{name}"))
        elif re.search("::|/", library) and not name.startswith("tvm_ffi"):
            hint = "use 'pkg-config', or 'include-dirs', 'library-dirs' and 'libraries'"
            if name.startswith("OpenMP::"):
                hint = "see 'OpenMP' in the manual, on the page 'Headers and libraries of others'"
            self.project.lost(item.command, _stripped(name), hint)
        elif not re.match("tvm_ffi|CUDA::(cudart_static|toolkit)$", name):
            self._add("libraries", library)

    # --- properties

    def _properties(self) -> None:
        for item, feature in self._usage("compile_features"):
            language, _, number = feature.upper().partition("_STD_")
            self._standard(item.command, language, number)
        for one in (self.target, *self.dependencies):
            for key, (value, command) in one.properties.items():
                if one is self.target or one.kind not in _SHARED:
                    self._property(command, key, value)

    def _property(self, command: Command, key: str, value: str) -> None:
        if re.fullmatch("(C|CXX|CUDA)_STANDARD", key):
            self._standard(command, key.partition("_")[0], value)
        elif key == "CUDA_SEPARABLE_COMPILATION":
            if "cuda" in self.languages and not is_false(value):
                self.table["cuda-separable-compilation"] = True
        elif key in _PROJECT_SETTINGS:
            self.settings.update({} if is_false(value) else {_PROJECT_SETTINGS[key]: True})
        elif key not in _READ and not HARMLESS.fullmatch(f"{key}={value}"):
            hint = "load the library with load_lib_module, see 'PREFIX' in the manual"
            self.project.lost(command, f"{key} {value}", hint if key == "PREFIX" else "")

    def _standard(self, command: Command, language: str, number: str) -> None:
        key, supported = f"{language.lower()}-std", _STANDARDS.get(language, ())
        # The standard `supported[0]` needs no setting: it is the plugin's default, and the oldest
        # standard that the headers support.
        if number in supported[1:]:
            self.table[key] = max(number, self.table.get(key, ""))
        elif number not in {*supported[:1], *_OLD_STANDARDS}:
            self.project.lost(command, f"{language} {number}")

    def _cuda(self) -> None:
        self.table.pop("cuda-toolkit", None)
        runtime = self.target.get("CUDA_RUNTIME_LIBRARY", "static").lower()
        if runtime != "static" and "CUDA::cudart_static" not in self.names:
            self.table["cuda-runtime"] = runtime
        found = []
        for word in items_of(self.target.get("CUDA_ARCHITECTURES", "OFF")):
            match = re.fullmatch(r"(\d+)(\d[af]?)(-real)?", word)
            if match is not None:
                found.append(f"{match[1]}.{match[2]}{'' if match[3] else '+PTX'}")
            elif word in {"all", "all-major", "native"}:
                found.append(word)
            elif word != "OFF":
                command = self.target.properties["CUDA_ARCHITECTURES"][1]
                self.project.lost(command, f"CUDA_ARCHITECTURES {word}")
        # Prefer the project-wide setting, because users can change it on the command line, as they
        # can change CMake's variable.
        if found and self.settings.setdefault("cuda-architectures", found) != found:
            self.table["cuda-architectures"] = found

    def _stubs(self) -> None:
        arguments = self.target.configured
        if arguments is None:
            shared = "tvm_ffi::shared" in self.names
            header = shared or "tvm_ffi::header" in self.names
            arguments = {"LINK_SHARED": str(shared), "LINK_HEADER": str(header)}
        for key in ("LINK_SHARED", "LINK_HEADER", "MSVC_FLAGS"):
            if is_false(arguments.get(key, "ON")):
                self.table[key.lower().replace("_", "-")] = False
        if not is_false(arguments.get("DEBUG_SYMBOL", "OFF")):
            self.table["debug-symbols"] = True
        if not arguments.get("STUB_DIR"):
            self.table["stubs"] = "none"
        elif is_false(arguments.get("STUB_INIT", "OFF")):
            self.table["stubs"] = "directives"
        prefix = arguments.get("STUB_PREFIX", "").rstrip(".")
        if prefix and prefix != self.table["name"].rpartition(".")[0]:
            self.table["registry-prefix"] = prefix
        name = arguments.get("STUB_PKG", self.distribution)
        if canonicalize_name(name) != canonicalize_name(self.distribution):
            hint = "load_lib_module finds libraries by the name of the distribution"
            self.project.lost(self.target.command, f"STUB_PKG {name}", hint)
        for key in arguments.keys() - _ARGUMENTS:
            self.project.lost(self.target.command, f"{key} {arguments[key]}")


def _output_name(target: CMakeTarget) -> str:
    return target.get("LIBRARY_OUTPUT_NAME") or target.get("OUTPUT_NAME") or target.name


def _linker_argument(word: str) -> str:
    """Translate CMake's prefix for arguments of the linker.

    >>> _linker_argument("LINKER:-z,defs"), _linker_argument("LINKER:SHELL:-z defs")
    ('-Wl,-z,defs', '-Wl,-z,defs')
    """
    if word.startswith("LINKER:SHELL:"):
        return ",".join(["-Wl", *word[len("LINKER:SHELL:") :].split()])
    return re.sub("^LINKER:", "-Wl,", word)


def _stripped(text: str) -> str:
    """Make the paths in a text relative to the project's folder."""
    return text.replace(f"{SOURCE}/", "").replace(SOURCE, ".")
