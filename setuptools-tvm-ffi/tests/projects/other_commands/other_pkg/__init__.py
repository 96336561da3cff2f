"""A package with a TVM-FFI library and a CPython extension."""
