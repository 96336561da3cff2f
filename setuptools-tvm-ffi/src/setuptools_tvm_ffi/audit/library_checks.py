# SPDX-License-Identifier: Apache-2.0
"""Looks at one library of a wheel: what it needs, what it exports, how it was linked."""

from __future__ import annotations

import fnmatch
import functools
import posixpath
import re
from collections.abc import Iterator, Mapping

from ..library_check import is_python_symbol
from ..toolchains import local_symbols
from . import codes
from .binaries import Binary
from .codes import Code, Finding, listed
from .platform_tags import is_entitled

_PYTHON_LIBRARY = re.compile(r"libpython[\d.]+\w*\.(?:so|dylib)[\d.]*|(?i:python3\d*\w*\.dll)")
_ORIGINS = ("$ORIGIN", "${ORIGIN}", "@loader_path")


def library_findings(
    binary: Binary, files: Mapping[str, str], folders: frozenset[str]
) -> Iterator[Finding]:
    """Yield what is wrong with a library.

    :param files: the paths of the wheel's libraries by the names that others need them by.
    :param folders: all folders in the wheel.
    """
    for code, what in _problems(binary, files, folders):
        yield Finding(code, binary.path, what)


def is_python_extension(binary: Binary) -> bool:
    """Whether a library is an extension module of CPython, which may use what it likes."""
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


def _problems(
    binary: Binary, files: Mapping[str, str], folders: frozenset[str]
) -> Iterator[tuple[Code, str]]:
    for library in binary.needed:
        plain = library.replace("\\", "/").rpartition("/")[2]
        if plain in files:
            if not _is_reached(binary, library, files[plain]):
                yield codes.NEEDS_UNREACHABLE, f"{library}, which lies at {files[plain]}"
        elif not is_entitled(library, binary) and not _PYTHON_LIBRARY.fullmatch(plain):
            yield codes.NEEDS_MISSING, library
    if not is_python_extension(binary):
        python = python_symbols(binary)
        if python:
            yield codes.NEEDS_PYTHON, listed(python)
    outside = [p for p in binary.run_paths if _folder_of(binary, p) not in folders]
    if outside:
        yield codes.RUN_PATH_OUTSIDE, listed(outside)
    if binary.format == "macho" and binary.machine == "arm64" and not binary.signed:
        yield codes.UNSIGNED, "it has no LC_CODE_SIGNATURE"
    templates = foreign_templates(binary)
    if templates:
        yield codes.EXPORTS_TEMPLATES, listed(templates)
    if binary.unique:
        yield codes.UNIQUE, listed(binary.unique)
    if binary.executable_stack:
        yield codes.EXECUTABLE_STACK, "PT_GNU_STACK is executable or missing"
    if binary.text_relocations:
        yield codes.TEXT_RELOCATIONS, "DT_TEXTREL"
    if binary.relro == "none":
        yield codes.NO_RELRO, "there is no PT_GNU_RELRO"
    if binary.build_paths:
        yield codes.BUILD_PATHS, listed(binary.build_paths)


def _is_reached(binary: Binary, library: str, path: str) -> bool:
    """Whether a loader that goes by run paths finds a library of the wheel."""
    if binary.format == "pe":
        return True  # code of the package may have called os.add_dll_directory
    if binary.format == "macho" and not library.startswith("@rpath/"):
        return _folder_of(binary, posixpath.dirname(library)) == posixpath.dirname(path)
    return posixpath.dirname(path) in {_folder_of(binary, p) for p in binary.run_paths}


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
