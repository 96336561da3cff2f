"""Adds to a counter that lives in another library."""

from tvm_ffi.libinfo import load_lib_module

LIB = load_lib_module("c-libraries-project", "user")
