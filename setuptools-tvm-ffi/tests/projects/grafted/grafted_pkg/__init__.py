"""One function, which calls two libraries that other packages of the system bring."""

from tvm_ffi.libinfo import load_lib_module

LIB = load_lib_module("grafted-project", "grafted")
