# SPDX-License-Identifier: Apache-2.0
"""Finds nvcc and hipcc."""

from __future__ import annotations

from ..errors import BuildError
from ..settings import ProjectSettings
from .model import Compiler, DeviceCompiler, EnvironmentFlags


def find_device_compiler(
    language: str,
    *,
    host: Compiler,
    system: str,
    root: str,
    environment: EnvironmentFlags,
    project: ProjectSettings,
    launcher: tuple[str, ...],
) -> DeviceCompiler:
    """Return what compiles ``cuda`` or ``hip``."""
    raise BuildError(f"no compiler for {language} yet")
