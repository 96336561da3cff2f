"""Two libraries in subpackages."""
