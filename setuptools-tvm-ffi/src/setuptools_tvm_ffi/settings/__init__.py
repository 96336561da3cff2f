# SPDX-License-Identifier: Apache-2.0
"""Settings: what a project and its user can say, checked, and where it was said."""

from __future__ import annotations

from .model import ExtensionSettings, ProjectSettings
from .project import ConfigSettings, Project, read_project

__all__ = ["ConfigSettings", "ExtensionSettings", "Project", "ProjectSettings", "read_project"]
