# SPDX-License-Identifier: Apache-2.0
"""``build``: where it gathers what goes into a wheel for another platform."""

from __future__ import annotations

import os

from setuptools.command.build import build

from ...cross.targets import target_of
from ..context import project_of


class BuildMixin(build):
    """Gives each target a folder of its own: setuptools packs whatever it finds there."""

    def finalize_options(self) -> None:
        """Choose the folder, unless one was asked for."""
        target = target_of(project_of(self.distribution))
        if target is not None and self.build_platlib is None:
            self.build_platlib = os.path.join(self.build_base, f"lib.{target.name}")
        super().finalize_options()
