# SPDX-License-Identifier: Apache-2.0
"""Build requirements for another platform: the packages of the extra ``cross``, and pip."""

from __future__ import annotations

from ..base.child_python import has_pip
from ..binaries import BUILD_REQUIREMENTS as READERS

# This plugin supports Zig 0.17.1. Another minor release of Zig may be incompatible.
_ZIG = "ziglang>=0.17.1,<0.18"


def cross_requirements() -> list[str]:
    """Return the additional build requirements of cross-compilation, in the syntax of PEP 508."""
    # An isolated environment that pip creates does not contain pip.
    return [_ZIG, *READERS, *([] if has_pip() else ["pip>=23"])]
