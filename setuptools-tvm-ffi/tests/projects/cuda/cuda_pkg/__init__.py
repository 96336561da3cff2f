"""C, C++ and CUDA in one library."""
