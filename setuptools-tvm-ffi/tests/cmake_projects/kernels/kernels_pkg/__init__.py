"""A library with kernels."""
