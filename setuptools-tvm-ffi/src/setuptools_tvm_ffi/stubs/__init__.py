# SPDX-License-Identifier: Apache-2.0
"""Generates stubs with ``tvm-ffi-stubgen``, verifies them and adds ``.pyi`` files."""

from __future__ import annotations

from .cache import Stubs, make_stubs
from .requests import stub_requests
from .staleness import StubFile, cause, stale_files

__all__ = [
    "StubFile",
    "Stubs",
    "cause",
    "make_stubs",
    "stale_files",
    "stub_requests",
]
