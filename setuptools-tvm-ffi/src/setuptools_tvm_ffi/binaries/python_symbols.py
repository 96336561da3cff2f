# SPDX-License-Identifier: Apache-2.0
"""Recognises the symbols of CPython."""

from __future__ import annotations

import re

_PYTHON_SYMBOL = re.compile(r"_?Py[A-Z_]\w*")


def is_python_symbol(name: str) -> bool:
    """Whether a linker's or nm's symbol name belongs to CPython.

    >>> is_python_symbol("PyLong_FromLong"), is_python_symbol("_Py_Dealloc")
    (True, True)
    >>> is_python_symbol("__tvm_ffi_add"), is_python_symbol("Pyramid")
    (False, False)
    """
    # Mach-O puts an underscore before every C name, ELF versions follow an @, and Windows
    # imports through a pointer.
    plain = name.partition("@")[0].removeprefix("__imp_")
    return any(
        _PYTHON_SYMBOL.fullmatch(n) for n in (plain, plain[1:] if plain[:1] == "_" else plain)
    )
