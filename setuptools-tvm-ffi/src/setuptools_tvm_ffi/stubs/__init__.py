# SPDX-License-Identifier: Apache-2.0
"""Stubs: running ``tvm-ffi-stubgen`` so that its result can be trusted."""

from __future__ import annotations

from .generation import StubRequest, generate_stubs

__all__ = ["StubRequest", "generate_stubs"]
