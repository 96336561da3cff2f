# SPDX-License-Identifier: Apache-2.0
"""Builds for other platforms than this machine's, with Zig as the compiler and linker."""

from __future__ import annotations
