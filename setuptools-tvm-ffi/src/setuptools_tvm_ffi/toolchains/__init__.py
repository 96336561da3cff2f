# SPDX-License-Identifier: Apache-2.0
"""Toolchains: what turns settings into command lines, without running anything."""

from __future__ import annotations

from .model import (
    Compiler,
    CompileUnit,
    EnvironmentFlags,
    LinkUnit,
    Toolchain,
    library_filename,
    system_of,
)

__all__ = [
    "CompileUnit",
    "Compiler",
    "EnvironmentFlags",
    "LinkUnit",
    "Toolchain",
    "library_filename",
    "system_of",
]
