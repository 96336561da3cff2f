"""Functions in C of which a command generates a part."""

from tvm_ffi.libinfo import load_lib_module

LIB = load_lib_module("generated-project", "generated")
