"""CUDA kernels for Python."""
