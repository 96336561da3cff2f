"""Functions in C++ for Python."""
