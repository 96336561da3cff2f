# SPDX-License-Identifier: Apache-2.0
"""``build``: a separate ``build_lib`` for each target."""

from __future__ import annotations

import os

from setuptools.command.build import build

from ...cross.targets import target_of
from ..context import project_of


class BuildMixin(build):
    """Gives each target its own folder, because setuptools packs every file in it."""

    def finalize_options(self) -> None:
        """Set the folder unless an option sets it."""
        target = target_of(project_of(self.distribution))
        if target is not None and self.build_platlib is None:
            self.build_platlib = os.path.join(self.build_base, f"lib.{target.name}")
        super().finalize_options()
