# SPDX-License-Identifier: Apache-2.0
"""Toolchains: pure functions from settings to command lines, and the search for compilers."""

from __future__ import annotations

from .protocols import (
    Companion,
    Compiler,
    CompileUnit,
    DeviceCompiler,
    EnvironmentFlags,
    HeaderUnit,
    LanguageCompiler,
    LinkUnit,
    Precompilation,
    Sibling,
    StaticPart,
    Toolchain,
    library_filename,
    linked_devices,
    path_in_wheel,
    system_of,
)

__all__ = [
    "Companion",
    "CompileUnit",
    "Compiler",
    "DeviceCompiler",
    "EnvironmentFlags",
    "HeaderUnit",
    "LanguageCompiler",
    "LinkUnit",
    "Precompilation",
    "Sibling",
    "StaticPart",
    "Toolchain",
    "library_filename",
    "linked_devices",
    "path_in_wheel",
    "system_of",
]
