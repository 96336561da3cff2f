# SPDX-License-Identifier: Apache-2.0
"""Stubs: running ``tvm-ffi-stubgen`` so that its result can be trusted."""

from __future__ import annotations

from .generation import generate_stubs
from .requests import stub_requests

__all__ = ["generate_stubs", "stub_requests"]
