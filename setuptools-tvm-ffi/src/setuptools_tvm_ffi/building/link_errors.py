# SPDX-License-Identifier: Apache-2.0
"""Rejects libraries that reference CPython, and explains undefined symbols of a failed link."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from ..base.errors import BuildError
from ..base.text import first_few
from ..binaries.python_symbols import is_python_symbol
from ..settings import ExtensionSettings
from ..toolchains import Toolchain
from ..toolchains.input_symbols import find_nm

# GNU ld and gold print "undefined reference to `f(int)'". lld prints "undefined symbol: f(int)".
_GNU_UNDEFINED = re.compile(
    r"undefined reference to [`'](?P<name>.+)'$|undefined (?:\w+ )?symbol: (?P<lld>.+)$"
)
# ld64 prints `  "_f", referenced from:`.
_APPLE_UNDEFINED = re.compile(r'^ +"(?P<name>[^"]+)", referenced from:')
# link.exe prints "error LNK2019: unresolved external symbol f referenced in function g".
_MSVC_UNDEFINED = re.compile(r'unresolved external symbol (?P<name>"[^"]+"|\S+)')

# GNU ld prints "cannot find -lf". lld prints "unable to find library -lf". ld64 prints "library not
# found for -lf".
_MISSING_LIBRARY = re.compile(
    r"(?:cannot find|unable to find library|library not found for) -l:?([^\s:]+)"
)

_SHOWN = 5


def undefined_symbols(linker_output: str) -> tuple[str, ...]:
    """Return the symbols that a linker reports as undefined, in order and without duplicates.

    >>> undefined_symbols("a.o: in function `f': undefined reference to `PyLong_FromLong'")
    ('PyLong_FromLong',)
    """
    names: dict[str, None] = {}
    for line in linker_output.splitlines():
        for pattern in (_GNU_UNDEFINED, _APPLE_UNDEFINED, _MSVC_UNDEFINED):
            match = pattern.search(line)
            if match is not None:
                names[next(group for group in match.groups() if group).strip('"')] = None
                break
    return tuple(names)


def link_failure(settings: ExtensionSettings, linker_output: str) -> BuildError | None:
    """Return an error that names the undefined symbols or the missing library of a failed link.

    If the linker reports neither, return ``None``.
    """
    library = settings.name
    names = undefined_symbols(linker_output)
    if not names:
        missing = _MISSING_LIBRARY.search(linker_output)
        if missing is None:
            return None
        return BuildError(
            f"library {library!r}: the linker does not find the library {missing[1]!r}",
            hint="install the library's development files, or add the library's folder to "
            f"{settings.spelled('library_dirs')!r}; for a library of the CUDA toolkit or the CUDA "
            f"driver, set {settings.assignment('cuda_toolkit', True)}",
        )
    python = tuple(name for name in names if is_python_symbol(name))
    if python:
        return python_symbols_error(library, python)
    if all(name.startswith("__cudaRegisterLinkedBinary_") for name in names):
        return BuildError(
            f"library {library!r}: its relocatable device code (-rdc) is not linked",
            hint=f"set {settings.assignment('cuda_separable_compilation', True)} for the "
            "extension, and remove -rdc and -dc from the compiler arguments",
        )
    if all(name.lstrip("_").startswith(("TVMFFI", "imp_TVMFFI")) for name in names):
        return BuildError(
            f"library {library!r}: undefined {_quoted(names)}",
            hint="libtvm_ffi defines these symbols: remove "
            f"'{settings.assignment('link_shared', False)}'",
        )
    return BuildError(
        f"library {library!r}: undefined {_quoted(names)}",
        hint="add the source that defines the symbol to 'sources', or the library that defines it "
        "to 'libraries'; a library with undefined symbols cannot be imported",
    )


def check_no_python_symbols(path: Path, library: str, toolchain: Toolchain) -> None:
    """Reject a library that references CPython, because its wheel has the tag ``py3-none``.

    If a project does not link libpython, the linker rejects references to CPython. If a project
    links libpython, the linker accepts such references. This function therefore reads the symbols
    with ``nm``.

    :raises BuildError: the library references CPython; the message lists the symbols.
    """
    if toolchain.system == "windows":
        # On Windows, the linker rejects references to CPython, unless it finds Python's import
        # library. If the linker finds this library, this function does not detect the references.
        return
    nm = find_nm(toolchain.compilers)
    dynamic = () if path.suffix == ".dylib" else ("-D",)
    result = subprocess.run(
        [nm, *dynamic, "-u", str(path)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if result.returncode != 0:
        raise BuildError(f"library {library!r}: {nm} failed: {result.stderr.strip()}")
    undefined = [line.split()[-1] for line in result.stdout.splitlines() if line.strip()]
    python = tuple(name for name in undefined if is_python_symbol(name))
    if python:
        raise python_symbols_error(library, python)


def python_symbols_error(library: str, names: tuple[str, ...]) -> BuildError:
    """Return the error for a library that references these symbols of CPython."""
    return BuildError(
        f"library {library!r}: needs the CPython {_quoted(names)}",
        hint="one wheel works with every Python only if its libraries do not use the CPython ABI: "
        "use tvm::ffi types instead, and remove Python.h and libpython",
    )


def _quoted(names: tuple[str, ...]) -> str:
    word = "symbol" if len(names) == 1 else "symbols"
    quoted = [f"'{name}'" for name in names]
    return f"{word} {first_few(quoted, shown=_SHOWN)}"
