"""One function over the stable C ABI."""

from tvm_ffi.libinfo import load_lib_module

LIB = load_lib_module("c-only-project", "c_only")
