# SPDX-License-Identifier: Apache-2.0
"""Requirements of a build for another platform: the packages of the extra ``cross``, and pip."""

from __future__ import annotations

from ..base.child_python import has_pip
from ..binaries import BUILD_REQUIREMENTS as READERS

# A Zig release with another minor version, such as 0.18, may be incompatible with this plugin.
_ZIG = "ziglang>=0.17.1,<0.18"


def cross_requirements() -> list[str]:
    """Return the additional build requirements of cross-compilation, in the syntax of PEP 508."""
    # pip is a requirement because the isolated environments that pip creates do not contain pip.
    return [_ZIG, *READERS, *([] if has_pip() else ["pip>=23"])]
