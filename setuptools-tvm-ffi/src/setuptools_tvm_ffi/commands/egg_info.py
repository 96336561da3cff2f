# SPDX-License-Identifier: Apache-2.0
"""``egg_info``: keeps a build's metadata out of the project's folder.

There it would be found before the installed metadata by every Python that is started in that
folder, and ``load_lib_module`` would look for the library in a ``RECORD`` that it does not have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from setuptools.command.egg_info import egg_info
from setuptools.command.sdist import sdist


class EggInfoMixin(egg_info):
    """Writes ``*.egg-info`` below the build folder unless it is told another."""

    def finalize_options(self) -> None:
        """Set the folder before setuptools does."""
        # `setup.py develop` of old makes the project's folder itself importable.
        if self.egg_base is None and "develop" not in self.distribution.commands:
            build: Any = self.get_finalized_command("build")
            Path(build.build_base).mkdir(parents=True, exist_ok=True)
            self.egg_base = build.build_base
        super().finalize_options()


class SdistMixin(sdist):
    """Leaves the build folder's metadata out of the sdist, which has its own ``PKG-INFO``."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Fill the folder that is packed."""
        egg_info: Any = self.get_finalized_command("egg_info")
        folder = Path(egg_info.egg_info)
        super().make_release_tree(base_dir, [f for f in files if folder not in Path(f).parents])
