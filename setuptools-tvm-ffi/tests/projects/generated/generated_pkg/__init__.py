"""Functions in C. A command generates some of the sources."""

from tvm_ffi.libinfo import load_lib_module

LIB = load_lib_module("generated-project", "generated")
