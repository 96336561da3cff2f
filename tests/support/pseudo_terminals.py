# SPDX-License-Identifier: Apache-2.0
"""Opens pseudo-terminals, which some containers do not have."""

from __future__ import annotations

import os

import pytest


def open_terminal() -> tuple[int, int]:
    """Return the file descriptors of a new pseudo-terminal's two ends, or skip the test."""
    try:
        return os.openpty()
    except OSError as problem:
        pytest.skip(f"this system has no pseudo-terminals: {problem}")
