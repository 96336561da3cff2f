# SPDX-License-Identifier: Apache-2.0
"""Read the names that the stubs in a wheel declare.

The module searches the lines of stubs for the patterns that stub generators write. It does not use
Python's parser, because wheels are untrusted, and Python's parser limits neither the nesting depth
nor the memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..ffi.module_methods import MODULE_METHODS

# A file that contains none of these strings declares no names.
_MARK = re.compile(rb"LOAD_LIB|load_lib_module|tvm-ffi-stubgen\(|@_FFI_REG_OBJ|class _Library")
_LOAD = re.compile(
    r"LIB\s*=\s*\w*(?:LOAD_LIB|load_lib_module)\(\s*[\"'][^\"']*[\"'],\s*[\"']([^\"']+)"
)
_GLOBAL = re.compile(r"\s*# tvm-ffi-stubgen\(begin\): global/([^\s@]+)")
_END = re.compile(r"\s*# tvm-ffi-stubgen\(end\)")
_OBJECT = re.compile(r"@_FFI_REG_OBJ\([\"']([^\"']+)[\"']\)")
_DEF = re.compile(r"\s+def (\w+)\(")
_METHOD = re.compile(r"    def (\w+)\(")
_PROTOCOL = re.compile(r"class _Library\(Protocol\):")


@dataclass(frozen=True)
class PromisedNames:
    """The names that a module and its stub declare.

    :param target: the name of the library that the module loads (``ops`` for ``libops.so``).
    :param is_generated: whether a generator wrote the module or a part of it.
    :param exported: names of the functions of ``LIB``, the loaded library.
    :param registered: full names of global functions, and keys of registered types.
    """

    target: str | None = None
    is_generated: bool = False
    exported: tuple[str, ...] = ()
    registered: tuple[str, ...] = ()


def promised_names(module: bytes | None, stub: bytes | None) -> PromisedNames:
    """Return the names that a module (``_ffi_api.py``) and its stub (``_ffi_api.pyi``) declare."""
    if not any(content is not None and _MARK.search(content) for content in (module, stub)):
        return PromisedNames()
    code, stub_code = (
        (content or b"").decode("utf-8", "replace").splitlines() for content in (module, stub)
    )
    loads = (_LOAD.match(line) for line in code)
    return PromisedNames(
        target=next((match[1] for match in loads if match), None),
        is_generated=any("# tvm-ffi-stubgen(" in line for line in code),
        exported=tuple(dict.fromkeys(_protocol(stub_code))),
        registered=tuple(dict.fromkeys(_registered(code))),
    )


def _protocol(lines: list[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        if _PROTOCOL.match(line):
            inside = True
        elif line and not line[0].isspace():
            inside = False
        elif inside:
            match = _METHOD.match(line)
            if match and match[1] not in MODULE_METHODS:
                yield match[1]


def _registered(lines: list[str]) -> Iterator[str]:
    prefix: str | None = None
    for line in lines:
        begin, key, name = _GLOBAL.match(line), _OBJECT.match(line), _DEF.match(line)
        if begin:
            prefix = begin[1]
        elif _END.match(line):
            prefix = None
        elif key:
            yield key[1]
        elif name and prefix is not None:
            yield f"{prefix}.{name[1]}"
