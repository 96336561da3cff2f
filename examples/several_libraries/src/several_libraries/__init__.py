# SPDX-License-Identifier: Apache-2.0
"""Polygons: a class, functions over it, and drawings, each from a library of its own."""

# In this order, so that a library is loaded before those that link with it. Linux and macOS find it
# by the run path ($ORIGIN, @loader_path); on Windows it has to be loaded already.
from . import core, ops, svg

__all__ = ["core", "ops", "svg"]
