# SPDX-License-Identifier: Apache-2.0
"""What an isolated build for another platform asks for: the extra ``cross``, and pip."""

from __future__ import annotations

from ..base.child_python import has_pip
from ..records.platform_tag import BUILD_REQUIREMENTS as READERS

# Zig numbers what may break in its second place; 0.17.1 was tried.
_ZIG = "ziglang>=0.17.1,<0.18"


def cross_requirements() -> list[str]:
    """Return the requirements (PEP 508)."""
    # pip is in every environment but those that pip makes for isolated builds.
    return [_ZIG, *READERS, *([] if has_pip() else ["pip>=23"])]
