# SPDX-License-Identifier: Apache-2.0
"""Recognize the symbols of CPython."""

from __future__ import annotations

import re

_PYTHON_SYMBOL = re.compile(r"_?Py[A-Z_]\w*")


def is_python_symbol(name: str) -> bool:
    """Whether a symbol name from a linker or nm belongs to CPython.

    >>> is_python_symbol("PyLong_FromLong"), is_python_symbol("_Py_Dealloc")
    (True, True)
    >>> is_python_symbol("__tvm_ffi_add"), is_python_symbol("Pyramid")
    (False, False)
    """
    # In Mach-O files, an underscore precedes a C name. In ELF files, @ and a version may follow a
    # name. In Windows files, the prefix __imp_ may precede the name of an imported symbol.
    plain = name.partition("@")[0].removeprefix("__imp_")
    return any(
        _PYTHON_SYMBOL.fullmatch(n) for n in (plain, plain[1:] if plain[:1] == "_" else plain)
    )
