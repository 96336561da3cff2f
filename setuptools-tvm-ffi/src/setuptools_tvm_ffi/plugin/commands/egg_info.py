# SPDX-License-Identifier: Apache-2.0
"""``egg_info``: keeps a build's metadata out of the project's folder.

There it would be found before the installed metadata by every Python that is started in that
folder, and ``load_lib_module`` would look for the library in a ``RECORD`` that it does not have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from setuptools.command.egg_info import egg_info

from .requirement import declare_that_there_is_one


class EggInfoMixin(egg_info):
    """Writes ``*.egg-info`` below the build folder unless it is told another.

    An sdist holds its ``SOURCES.txt`` in the same place, where a build of the unpacked sdist looks:
    setuptools reads from it what is package data when there is no version control to ask.
    """

    def finalize_options(self) -> None:
        """Set the folder before setuptools does."""
        # `setup.py develop` of old makes the project's folder itself importable.
        if self.egg_base is None and "develop" not in self.distribution.commands:
            build: Any = self.get_finalized_command("build")
            Path(build.build_base).mkdir(parents=True, exist_ok=True)
            self.egg_base = build.build_base
        declare_that_there_is_one(self.distribution)
        super().finalize_options()
