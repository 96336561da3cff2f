# SPDX-License-Identifier: Apache-2.0
"""Reads the symbols of prebuilt objects and archives.

From these symbols, a toolchain derives which symbols to export, and whether to link the C++
runtime.

By default, a library exports two groups of symbols: all visible symbols that its sources define,
and the functions for TVM-FFI that prebuilt objects and archives define.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import BuildError
from ..project.argument_files import named_files
from ..settings.model import ExtensionSettings
from .protocols import Compiler, EnvironmentFlags

_FUNCTION_PREFIX = "__tvm_ffi_"
# Symbols with this prefix are data, not functions: the modules that a library embeds, and a pointer
# to the library's own module. tvm_ffi looks up these symbols in each library that it loads.
_LIBRARY_PREFIX = "__tvm_ffi__library_"
# nm prints these types for functions: T for a symbol in a text section, W for a weak symbol, and i
# for a function whose address the loader computes.
_FUNCTION_TYPES = {"T", "W", "i"}
# nm prints these types for undefined symbols: w or v for a weak symbol, U for any other symbol.
_UNDEFINED_TYPES = {"U", "w", "v"}
# This pattern matches mangled C++ names and functions of the C++ runtime. The pattern excludes
# three functions that are part of the C library.
_CXX_SYMBOL = re.compile(r"_Z|__cxa_(?!finalize|atexit|thread_atexit_impl)|__gxx_personality")
# These options pass a list of symbols to the linker. GNU ld, gold and lld accept -version-script.
# Apple's linkers accept -exported_symbol and -unexported_symbol. A linker rejects a second list.
_SYMBOL_LIST = re.compile(r"-version-script|-(?:un)?exported_symbol")
_RESPONSE_FILE = re.compile(r"(?:^|,)@([^,]+)")
_VERSION = re.compile(rb"\bVERSION\s*\{")


@dataclass(frozen=True)
class InputSymbols:
    """What a link command needs to know about the symbols of an extension's prebuilt inputs.

    :param hidden: symbols of prebuilt inputs that the library must not export.
    :param exporting: archives that define functions for TVM-FFI, with paths as in `extra_objects`.
    :param archived: the functions for TVM-FFI that archives define. By default, the linker omits a
        member of an archive if nothing references the member. Therefore, an option of the link
        command must name these functions.
    :param needs_cxx: whether prebuilt inputs need the C++ runtime.
    :param has_symbol_list: whether the project's flags contain a version script or, for macOS, a
        list of exported symbols.
    """

    hidden: tuple[str, ...] = ()
    exporting: tuple[str, ...] = ()
    archived: tuple[str, ...] = ()
    needs_cxx: bool = False
    has_symbol_list: bool = False


def read_input_symbols(
    extensions: Iterable[ExtensionSettings],
    root: Path,
    compilers: Mapping[str, Compiler],
    environment: EnvironmentFlags,
) -> dict[str, InputSymbols]:
    """Return the `InputSymbols` of each extension. The key is the extension's name.

    :raises BuildError: nm is missing, or cannot read a prebuilt object.
    """
    extensions = tuple(extensions)
    reads_objects = any(settings.extra_objects for settings in extensions)
    nm = find_nm(compilers) if reads_objects else ""
    found = {}
    for settings in extensions:
        hidden: set[str] = set()
        exporting = []
        archived: set[str] = set()
        defined: set[str] = set()
        undefined: set[str] = set()
        for file in settings.extra_objects:
            if not (root / file).exists():
                continue  # A command of the setting `generate` has not written the file yet.
            symbols = _symbols(nm, file, settings, root)
            names = {name for name, kind in symbols if kind not in _UNDEFINED_TYPES}
            exported = {name for name, kind in symbols if _is_for_tvm_ffi(name, kind)}
            defined |= names
            undefined.update(name for name, kind in symbols if kind in _UNDEFINED_TYPES)
            if file in settings.archives:
                archived |= exported
                if not exported:
                    continue  # A linker option hides all symbols of this archive.
                exporting.append(file)
            hidden |= names - exported
        if not settings.exclude_libs:
            hidden, exporting = set(), []
        flags = (
            *environment.cflags,
            *environment.cxxflags,
            *environment.ldflags,
            *settings.extra_link_args,
        )
        found[settings.name] = InputSymbols(
            hidden=tuple(sorted(hidden)),
            exporting=tuple(exporting),
            archived=tuple(sorted(archived)),
            needs_cxx=any(map(_CXX_SYMBOL.match, undefined - defined)),
            has_symbol_list=_has_symbol_list(flags, root),
        )
    return found


def find_nm(compilers: Mapping[str, Compiler]) -> str:
    """Return the path of nm. Use the nm that the compiler reports, or else the nm on PATH.

    :raises BuildError: nm is missing.
    """
    compiler = next(iter(compilers.values()))
    result = subprocess.run(
        [*compiler.command, "-print-prog-name=nm"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
    )
    nm = shutil.which(result.stdout.strip() or "nm") or shutil.which("nm")
    if nm is None:
        raise BuildError(
            "cannot find nm, which the build needs to read symbols",
            hint="install binutils (Debian and Ubuntu: apt-get install binutils)",
        )
    return nm


def _is_for_tvm_ffi(name: str, kind: str) -> bool:
    return name.startswith(_LIBRARY_PREFIX) or (
        name.startswith(_FUNCTION_PREFIX) and kind in _FUNCTION_TYPES
    )


def _symbols(nm: str, file: str, settings: ExtensionSettings, root: Path) -> set[tuple[str, str]]:
    """Return the names and types of the external symbols of an object or archive."""
    result = subprocess.run(
        [nm, "-P", "-g", file],
        cwd=root,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if result.returncode != 0:
        raise BuildError(
            f"{settings.place('extra_objects')}: cannot read the symbols of {file}: "
            f"{result.stderr.strip()}",
            hint="rebuild the file for the platform of the wheel",
        )
    words = (line.split() for line in result.stdout.splitlines())
    symbols = {(word[0], word[1]) for word in words if len(word) > 1 and len(word[1]) == 1}
    if all(name.startswith("_") for name, _ in symbols) and _is_macho(root / file):
        return {(name[1:], kind) for name, kind in symbols}
    return symbols


def _is_macho(file: Path) -> bool:
    return file.read_bytes()[:4] in {bytes.fromhex("cffaedfe"), bytes.fromhex("cafebabe")}


def _has_symbol_list(flags: Iterable[str], root: Path) -> bool:
    """Whether link flags contain a list of symbols, directly or in a file.

    The file can be a response file that contains an option with a list, or a linker script that
    contains a version script.
    """
    read: set[str] = set()
    pending = list(flags)
    if any(_VERSION.search((root / f).read_bytes()) for f in named_files(pending, root)):
        return True
    while pending:
        word = pending.pop()
        if _SYMBOL_LIST.search(word):
            return True
        match = _RESPONSE_FILE.search(word)
        if match is not None and match[1] not in read and (root / match[1]).is_file():
            read.add(match[1])
            pending += (root / match[1]).read_text(errors="replace").split()
    return False
