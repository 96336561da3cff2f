# SPDX-License-Identifier: Apache-2.0
"""The public members of `tvm_ffi.Module`, the class of every loaded library."""

from __future__ import annotations

#: For each member, the definition that a stub contains. The names in braces are types that the stub
#: imports.
MODULE_METHODS = {
    "kind": "@{property}\ndef kind(self) -> {str}: ...",
    "imports": "@{property}\ndef imports(self) -> {list}[{Module}]: ...",
    "__getitem__": "def __getitem__(self, name: {str}, /) -> {Function}: ...",
    "get_function": (
        "def get_function(self, name: {str}, query_imports: {bool} = ...) -> {Function}: ..."
    ),
    "get_function_doc": (
        "def get_function_doc(self, name: {str}, query_imports: {bool} = ...) -> {str} | None: ..."
    ),
    "get_function_metadata": (
        "def get_function_metadata(\n"
        "    self, name: {str}, query_imports: {bool} = ...\n"
        ") -> {dict}[{str}, {Any}] | None: ..."
    ),
    "import_module": "def import_module(self, module: {Module}) -> None: ...",
    "inspect_source": "def inspect_source(self, fmt: {str} = ...) -> {str}: ...",
    "implements_function": (
        "def implements_function(self, name: {str}, query_imports: {bool} = ...) -> {bool}: ..."
    ),
}
