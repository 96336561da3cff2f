# SPDX-License-Identifier: Apache-2.0
"""What an isolated build for another platform asks for: the extra ``cross``, and pip."""

from __future__ import annotations

from importlib.machinery import PathFinder

# Zig numbers what may break in its second place; 0.17.1 was tried.
_ZIG = "ziglang>=0.17.1,<0.18"
_READERS = ("auditwheel>=6.4", "lief>=0.17")


def cross_requirements() -> list[str]:
    """Return the requirements (PEP 508)."""
    # pip is in every environment but those that pip makes for isolated builds.
    return [_ZIG, *_READERS, *([] if has_pip() else ["pip>=23"])]


def has_pip() -> bool:
    """Whether this interpreter has pip.

    Not asked as one asks for a module: setuptools' own finder (84.2) takes a look for pip for the
    start of it, and takes its distutils away.
    """
    return PathFinder.find_spec("pip") is not None
