# SPDX-License-Identifier: Apache-2.0
"""Requirements of an isolated build for another platform: the extra ``cross``, and pip."""

from __future__ import annotations

from ..base.child_python import has_pip
from ..binaries import BUILD_REQUIREMENTS as READERS

# Zig's minor releases may break compatibility; 0.17.1 works.
_ZIG = "ziglang>=0.17.1,<0.18"


def cross_requirements() -> list[str]:
    """Return the requirements (PEP 508)."""
    # Only the isolated environments that pip itself creates lack pip.
    return [_ZIG, *READERS, *([] if has_pip() else ["pip>=23"])]
