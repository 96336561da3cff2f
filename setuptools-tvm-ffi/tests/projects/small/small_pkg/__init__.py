"""A small package; what it exports is generated."""
