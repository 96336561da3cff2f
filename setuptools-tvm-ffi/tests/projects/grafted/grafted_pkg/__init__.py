"""One function, which calls two libraries of other system packages."""

from tvm_ffi.libinfo import load_lib_module

LIB = load_lib_module("grafted-project", "grafted")
