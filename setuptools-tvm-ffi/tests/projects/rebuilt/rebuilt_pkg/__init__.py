"""Functions in C that a developer keeps changing."""

from tvm_ffi.libinfo import load_lib_module

LIB = load_lib_module("rebuilt-project", "rebuilt")
