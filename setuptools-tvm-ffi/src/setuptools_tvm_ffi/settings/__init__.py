# SPDX-License-Identifier: Apache-2.0
"""Settings: parsing, validation and the origin of each value."""

from __future__ import annotations

from .model import ExtensionSettings, ProjectSettings
from .project import ConfigSettings, Project, read_project

__all__ = ["ConfigSettings", "ExtensionSettings", "Project", "ProjectSettings", "read_project"]
