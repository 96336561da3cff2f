# SPDX-License-Identifier: Apache-2.0
"""Builds wheels for other platforms, with Zig as the compiler and linker."""

from __future__ import annotations
