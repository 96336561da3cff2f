"""The counter."""

from tvm_ffi.libinfo import load_lib_module

LIB = load_lib_module("c-libraries-project", "counter")
