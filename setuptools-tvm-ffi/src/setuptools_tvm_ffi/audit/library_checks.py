# SPDX-License-Identifier: Apache-2.0
"""Check one library of a wheel: its dependencies, its exported symbols and how it was linked."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.tags import Tag
from packaging.utils import canonicalize_name

from ..base.text import first_few
from ..binaries.binary import Binary
from ..binaries.local_symbols import local_symbol
from ..binaries.platform_tags import is_external_copy, is_on_every_machine
from ..binaries.python_symbols import is_python_symbol
from . import codes
from .codes import Code, Finding

_PYTHON_LIBRARY = re.compile(r"libpython[\d.]+\w*\.(?:so|dylib)[\d.]*|(?i:python3\d*\w*\.dll)")
_EXPORT_CODES = (codes.EXPORTS_TEMPLATES, codes.UNIQUE)
_BUILD_CODES = (*_EXPORT_CODES, codes.BUILD_PATHS)
_ORIGINS = ("$ORIGIN", "${ORIGIN}", "@loader_path")


@dataclass(frozen=True)
class Surroundings:
    """Facts about a whole wheel that the checks of one library need.

    :param files: maps the names of libraries, such as sonames, to the paths of the libraries.
    :param folders: all folders of the wheel.
    :param users: maps the path of a library to the libraries that depend on this library.
    :param required: normalized names of the distributions that the wheel requires.
    """

    files: Mapping[str, str]
    folders: frozenset[str]
    users: Mapping[str, Sequence[Binary]]
    required: tuple[str, ...] = ()

    def is_required(self, folder: str) -> bool:
        """Whether a folder in ``site-packages`` seems to belong to a required distribution.

        A package often has the name of its distribution, or the first or last part of that name.
        For example, ``nvidia`` belongs to nvidia-cublas-cu12, and ``tvm_ffi`` to apache-tvm-ffi.
        The suffix ``.libs``, which repair tools append to the folder's name, is ignored.
        """
        top = canonicalize_name(folder.partition("/")[0].removesuffix(".libs"))
        return any(
            f"-{name}-".startswith(f"-{top}-") or name.endswith(f"-{top}") for name in self.required
        )

    def provider(self, library: str, binary: Binary) -> str | None:
        """Return where a dependency comes from: ``wheel``, ``platform``, or ``None`` if unknown.

        :param library: the name of the dependency. The result is ``platform`` if this library is
            libtvm_ffi or belongs to NVIDIA's driver. The result is also ``platform`` if every
            machine that accepts the wheel's lowest tag (see `lowest_tag`) has this library.
        :param binary: the library that has the dependency.
        """
        if _base_name(library) in self.files:
            return "wheel"
        return "platform" if is_on_every_machine(library, binary) else None


def surroundings(
    binaries: Sequence[Binary], paths: Iterable[str], required: Iterable[str] = ()
) -> Surroundings:
    """Collect the facts about a whole wheel that the checks of one library need.

    :param paths: paths of all files in the wheel.
    :param required: names of the distributions that the wheel requires.
    """
    files: dict[str, str] = {}
    for binary in binaries:
        for name in filter(None, (binary.path, binary.name)):
            files[_base_name(name)] = binary.path
    users: dict[str, list[Binary]] = {}
    for binary in binaries:
        for library in binary.needed:
            if _base_name(library) in files:
                users.setdefault(files[_base_name(library)], []).append(binary)
    folders = {""}
    for path in paths:
        folder = posixpath.dirname(path)
        while folder not in folders:
            folders.add(folder)
            folder = posixpath.dirname(folder)
    names = tuple(sorted({canonicalize_name(name) for name in required}))
    return Surroundings(files, frozenset(folders), users, names)


def library_findings(
    binary: Binary, around: Surroundings, *, tags: Iterable[Tag]
) -> Iterator[Finding]:
    """Yield the findings about a library.

    This function skips findings that the package's author cannot fix. For a library that a repair
    tool has added, it skips findings about how the library was built. For a copy of libtvm_ffi or
    of NVIDIA's driver, it skips findings about exported symbols.

    :param tags: tags of the wheel.
    """
    may_use_python = is_bound_to_cpython(tags)
    for code, what in (
        *_loading(binary, around),
        *_symbols(binary, may_use_python=may_use_python),
        *_linking(binary),
    ):
        if code in _BUILD_CODES and is_from_repair_tool(binary.path):
            continue
        if code in _EXPORT_CODES and is_external_copy(binary.path):
            continue
        yield Finding(code, binary.path, what)


def is_from_repair_tool(path: str) -> bool:
    """Whether a repair tool added a file to a wheel.

    auditwheel and delvewheel copy libraries of other projects into ``pkg.libs`` beside the package.
    delocate copies them into ``.dylibs`` inside the package.

    >>> is_from_repair_tool("pkg.libs/libgomp-1a2b3c4d.so.1"), is_from_repair_tool("pkg/libops.so")
    (True, False)
    """
    return posixpath.dirname(path).endswith((".libs", "/.dylibs"))


def is_bound_to_cpython(tags: Iterable[Tag]) -> bool:
    """Whether every tag names an ABI of CPython.

    The ABI tag ``none`` means that the wheel depends on no Python ABI:
    https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/#abi-tag
    """
    return all(tag.abi != "none" for tag in tags)


def python_symbols(binary: Binary) -> list[str]:
    """Return the CPython symbols and CPython libraries that a library needs."""
    libraries = [n for n in binary.needed if _PYTHON_LIBRARY.fullmatch(n.rpartition("/")[2])]
    return [*filter(is_python_symbol, binary.undefined), *libraries]


def _loading(binary: Binary, around: Surroundings) -> Iterator[tuple[Code, str]]:
    missing = [
        library
        for library in binary.needed
        if around.provider(library, binary) is None
        and not _PYTHON_LIBRARY.fullmatch(_base_name(library))
    ]
    if missing:
        yield codes.NEEDS_MISSING, first_few(missing)
    unreached = [
        around.files[_base_name(library)]
        for library in binary.needed
        if _base_name(library) in around.files and not _is_reachable(binary, library, around)
    ]
    if unreached:
        yield codes.NEEDS_UNREACHABLE, first_few(unreached)
    outside = [
        path
        for path in binary.run_paths
        if (folder := _folder_of(binary, path)) is None
        or (folder not in around.folders and not around.is_required(folder))
    ]
    if outside:
        yield codes.RUN_PATH_OUTSIDE, first_few(outside)
    if binary.format == "macho" and binary.machine == "arm64" and not binary.signed:
        yield codes.UNSIGNED, "LC_CODE_SIGNATURE is missing"


def _symbols(binary: Binary, *, may_use_python: bool) -> Iterator[tuple[Code, str]]:
    if binary.kind != "library":
        return
    python = [] if may_use_python else python_symbols(binary)
    if python:
        yield codes.NEEDS_PYTHON, first_few(python)
    # Skip this check for DLLs. An import from a DLL names the DLL and the symbol, so two DLLs can
    # export symbols of the same name without a conflict.
    match = local_symbol().match
    templates = [] if binary.format == "pe" else list(filter(match, binary.exported))
    if templates:
        yield codes.EXPORTS_TEMPLATES, first_few(templates)
    if binary.unique:
        yield codes.UNIQUE, first_few(binary.unique)


def _linking(binary: Binary) -> Iterator[tuple[Code, str]]:
    if binary.executable_stack:
        yield codes.EXECUTABLE_STACK, "PT_GNU_STACK is executable or missing"
    if binary.text_relocations:
        yield codes.TEXT_RELOCATIONS, "DT_TEXTREL is set"
    if binary.relro == "none":
        yield codes.NO_RELRO, "PT_GNU_RELRO is missing"
    if binary.build_paths:
        yield codes.BUILD_PATHS, first_few(binary.build_paths)


def _is_reachable(binary: Binary, library: str, around: Surroundings) -> bool:
    """Whether the loader finds `library` when it loads `binary`.

    The wheel contains `library`, and `binary` depends on `library`.
    """
    path = around.files[_base_name(library)]
    if binary.format == "pe":
        # The package may call os.add_dll_directory. The audit cannot find such a call, so it
        # assumes that the loader finds the DLL.
        return True
    if _finds(binary, library, path):
        return True
    # `users` are the libraries that depend on `binary`. A loader loads dependencies breadth-first.
    # If every user also depends on `library`, and the loader finds `library` for every user,
    # `library` is already loaded when the loader resolves the dependencies of `binary`.
    users = around.users.get(binary.path, ())
    return bool(users) and all(
        any(
            _base_name(name) == _base_name(library) and _finds(user, name, path)
            for name in user.needed
        )
        for user in users
    )


def _finds(binary: Binary, library: str, path: str) -> bool:
    if binary.format == "macho" and not library.startswith("@rpath/"):
        return _folder_of(binary, posixpath.dirname(library)) == posixpath.dirname(path)
    if binary.format == "elf" and "/" in library:
        return False  # If `library` is a path, the loader ignores run paths.
    return posixpath.dirname(path) in {_folder_of(binary, p) for p in binary.run_paths}


def _base_name(library: str) -> str:
    """Return the file name in a path. The file name of a DLL is returned in lower case."""
    name = library.replace("\\", "/").rpartition("/")[2]
    return name.lower() if name.lower().endswith((".dll", ".pyd")) else name


def _folder_of(binary: Binary, run_path: str) -> str | None:
    """Return the folder in the wheel that a run path, such as ``$ORIGIN/../lib``, points to.

    The result is ``None`` if the run path is not relative to the library's folder.
    """
    for origin in _ORIGINS:
        if run_path == origin or run_path.startswith(f"{origin}/"):
            below = run_path[len(origin) :].lstrip("/")
            joined = posixpath.normpath(posixpath.join(posixpath.dirname(binary.path), below))
            return "" if joined == "." else joined
    return None
