# SPDX-License-Identifier: Apache-2.0
"""Stubs: running ``tvm-ffi-stubgen`` so that its result can be trusted."""

from __future__ import annotations

from .generation import Stubs, generate_stubs
from .requests import stub_requests
from .staleness import Difference, cause, find_differences, is_committed, same

__all__ = [
    "Difference",
    "Stubs",
    "cause",
    "find_differences",
    "generate_stubs",
    "is_committed",
    "same",
    "stub_requests",
]
