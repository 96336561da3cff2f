"""A function with types and a docstring, over the stable C ABI."""
