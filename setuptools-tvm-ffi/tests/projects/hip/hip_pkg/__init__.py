"""C++ and HIP in one library."""
