# SPDX-License-Identifier: Apache-2.0
"""Looks at one library of a wheel: what it needs, what it exports, how it was linked."""

from __future__ import annotations

import fnmatch
import functools
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.tags import Tag

from ..base.text import first_few
from ..binaries import local_symbols
from ..binaries.binary import Binary
from ..binaries.platform_tags import is_entitled, is_external_copy
from ..binaries.python_symbols import is_python_symbol
from . import codes
from .codes import Code, Finding

_PYTHON_LIBRARY = re.compile(r"libpython[\d.]+\w*\.(?:so|dylib)[\d.]*|(?i:python3\d*\w*\.dll)")
_OF_WHO_EXPORTS = (codes.EXPORTS_TEMPLATES, codes.UNIQUE)
_OF_WHO_BUILDS = (*_OF_WHO_EXPORTS, codes.BUILD_PATHS)
_ORIGINS = ("$ORIGIN", "${ORIGIN}", "@loader_path")


@dataclass(frozen=True)
class Surroundings:
    """What else is in the wheel of a library.

    :param files: the paths of libraries by the names that others need them by.
    :param folders: all folders.
    :param users: the libraries that need a library, by its path.
    """

    files: Mapping[str, str]
    folders: frozenset[str]
    users: Mapping[str, Sequence[Binary]]

    def provider(self, library: str, binary: Binary) -> str | None:
        """Return who has what a library needs: ``wheel``, ``platform``, or nobody that is known.

        The platform is every machine that the oldest tag is for, and what is loaded or installed
        beside the wheel: libtvm_ffi, the driver.
        """
        if _plain(library) in self.files:
            return "wheel"
        return "platform" if is_entitled(library, binary) else None


def surroundings(binaries: Sequence[Binary], paths: Iterable[str]) -> Surroundings:
    """Return what the libraries of a wheel find there.

    :param paths: of all files in the wheel.
    """
    files: dict[str, str] = {}
    for binary in binaries:
        for name in filter(None, (binary.path, binary.name)):
            files[_plain(name)] = binary.path
    users: dict[str, list[Binary]] = {}
    for binary in binaries:
        for library in binary.needed:
            if _plain(library) in files:
                users.setdefault(files[_plain(library)], []).append(binary)
    folders = {""}
    for path in paths:
        folder = posixpath.dirname(path)
        while folder not in folders:
            folders.add(folder)
            folder = posixpath.dirname(folder)
    return Surroundings(files, frozenset(folders), users)


def library_findings(
    binary: Binary, around: Surroundings, *, tags: Iterable[Tag]
) -> Iterator[Finding]:
    """Yield what is wrong with a library.

    Not what a package can do nothing about: how a library of others was made that it brings along,
    nor that libtvm_ffi in its own wheel exports what is its.

    :param tags: of the wheel.
    """
    may_use_python = is_python_extension(binary) and is_bound_to_cpython(tags)
    for code, what in (
        *_loading(binary, around),
        *([] if may_use_python else _python(binary)),
        *_symbols(binary),
        *_linking(binary),
    ):
        if code in _OF_WHO_BUILDS and is_grafted(binary.path):
            continue
        if code in _OF_WHO_EXPORTS and is_external_copy(binary.path):
            continue
        yield Finding(code, binary.path, what)


def is_grafted(path: str) -> bool:
    """Whether a repair tool has put a file into a wheel, which others have built then.

    auditwheel and delvewheel make a folder ``pkg.libs`` beside the package, delocate ``.dylibs`` in
    it.

    >>> is_grafted("pkg.libs/libgomp-1a2b3c4d.so.1"), is_grafted("pkg/libops.so")
    (True, False)
    """
    return posixpath.dirname(path).endswith((".libs", "/.dylibs"))


def is_bound_to_cpython(tags: Iterable[Tag]) -> bool:
    """Whether every tag names an ABI of CPython, where ``none`` promises to use none.

    https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/#abi-tag
    """
    return all(tag.abi != "none" for tag in tags)


def is_python_extension(binary: Binary) -> bool:
    """Whether a library is an extension module of CPython."""
    return any(name.startswith("PyInit_") for name in binary.exported)


def python_symbols(binary: Binary) -> list[str]:
    """Return what a library takes from CPython."""
    libraries = [n for n in binary.needed if _PYTHON_LIBRARY.fullmatch(n.rpartition("/")[2])]
    return [*filter(is_python_symbol, binary.undefined), *libraries]


def foreign_templates(binary: Binary) -> list[str]:
    """Return the exported symbols that belong to headers of others."""
    if binary.format == "pe":
        return []  # a DLL's symbols are bound by library, never by name alone
    return [name for name in binary.exported if _local_symbols().match(name)]


def _loading(binary: Binary, around: Surroundings) -> Iterator[tuple[Code, str]]:
    missing = [
        library
        for library in binary.needed
        if around.provider(library, binary) is None
        and not _PYTHON_LIBRARY.fullmatch(_plain(library))
    ]
    if missing:
        yield codes.NEEDS_MISSING, first_few(missing)
    unreached = [
        around.files[_plain(library)]
        for library in binary.needed
        if _plain(library) in around.files and not _is_reached(binary, library, around)
    ]
    if unreached:
        yield codes.NEEDS_UNREACHABLE, first_few(unreached)
    outside = [p for p in binary.run_paths if _folder_of(binary, p) not in around.folders]
    if outside:
        yield codes.RUN_PATH_OUTSIDE, first_few(outside)
    if binary.format == "macho" and binary.machine == "arm64" and not binary.signed:
        yield codes.UNSIGNED, "it has no LC_CODE_SIGNATURE"


def _python(binary: Binary) -> Iterator[tuple[Code, str]]:
    python = python_symbols(binary)
    if binary.kind == "library" and python:
        yield codes.NEEDS_PYTHON, first_few(python)


def _symbols(binary: Binary) -> Iterator[tuple[Code, str]]:
    if binary.kind != "library":
        return
    templates = foreign_templates(binary)
    if templates:
        yield codes.EXPORTS_TEMPLATES, first_few(templates)
    if binary.unique:
        yield codes.UNIQUE, first_few(binary.unique)


def _linking(binary: Binary) -> Iterator[tuple[Code, str]]:
    if binary.executable_stack:
        yield codes.EXECUTABLE_STACK, "PT_GNU_STACK is executable or missing"
    if binary.text_relocations:
        yield codes.TEXT_RELOCATIONS, "DT_TEXTREL"
    if binary.relro == "none":
        yield codes.NO_RELRO, "there is no PT_GNU_RELRO"
    if binary.build_paths:
        yield codes.BUILD_PATHS, first_few(binary.build_paths)


def _is_reached(binary: Binary, library: str, around: Surroundings) -> bool:
    """Whether a loader that goes by run paths finds a library of the wheel."""
    path = around.files[_plain(library)]
    if binary.format == "pe":
        return True  # code of the package may have called os.add_dll_directory
    if _finds(binary, library, path):
        return True
    # What everybody who needs it needs too is loaded by then: a loader goes by breadth.
    users = around.users.get(binary.path, ())
    return bool(users) and all(
        any(_plain(name) == _plain(library) and _finds(user, name, path) for name in user.needed)
        for user in users
    )


def _finds(binary: Binary, library: str, path: str) -> bool:
    if binary.format == "macho" and not library.startswith("@rpath/"):
        return _folder_of(binary, posixpath.dirname(library)) == posixpath.dirname(path)
    if binary.format == "elf" and "/" in library:
        return False  # it is taken from that folder of the machine, or of the working one
    return posixpath.dirname(path) in {_folder_of(binary, p) for p in binary.run_paths}


def _plain(library: str) -> str:
    """Return a name without folders, as it is compared: on Windows in any case."""
    name = library.replace("\\", "/").rpartition("/")[2]
    return name.lower() if name.lower().endswith((".dll", ".pyd")) else name


def _folder_of(binary: Binary, run_path: str) -> str | None:
    """Return the folder in the wheel that a run path names, ``None`` where it names none."""
    for origin in _ORIGINS:
        if run_path == origin or run_path.startswith(f"{origin}/"):
            below = run_path[len(origin) :].lstrip("/")
            joined = posixpath.normpath(posixpath.join(posixpath.dirname(binary.path), below))
            return "" if joined == "." else joined
    return None


@functools.cache
def _local_symbols() -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, local_symbols.patterns())))
