# SPDX-License-Identifier: Apache-2.0
"""Reads and validates the settings of a project, and records the origin of each setting."""

from __future__ import annotations

from .model import ExtensionSettings, ProjectSettings
from .project import ConfigSettings, Project, read_project, require_project

__all__ = [
    "ConfigSettings",
    "ExtensionSettings",
    "Project",
    "ProjectSettings",
    "read_project",
    "require_project",
]
