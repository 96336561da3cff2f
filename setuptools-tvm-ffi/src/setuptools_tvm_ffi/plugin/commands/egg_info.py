# SPDX-License-Identifier: Apache-2.0
"""``egg_info``: keeps a build's metadata out of the project's folder.

A Python that starts in the project's folder would find this metadata before the installed metadata.
``load_lib_module`` would then fail, because this metadata has no ``RECORD``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from setuptools.command.egg_info import egg_info

from ...base.file_replacement import replace_file
from ...cross.targets import target_of
from ..context import project_of
from .requirement import declare_placeholder

_SOURCES = "SOURCES.txt"


class EggInfoMixin(egg_info):
    """Writes ``*.egg-info`` below the build folder unless ``egg_base`` is set.

    Each target has a folder of its own, so that builds for two targets can run at the same time.
    An sdist contains ``SOURCES.txt`` in the same place. A build of the unpacked sdist reads the
    list of package data from this file.
    """

    def finalize_options(self) -> None:
        """Set the folder before setuptools does."""
        shared: Path | None = None
        # `setup.py develop` needs the metadata in the project's folder, which it makes importable.
        if self.egg_base is None and "develop" not in self.distribution.commands:
            build: Any = self.get_finalized_command("build")
            self.egg_base = build.build_base
            target = target_of(project_of(self.distribution))
            # An sdist has the same files for every target.
            if target is not None and "sdist" not in self.distribution.commands:
                shared = Path(build.build_base)
                self.egg_base = os.path.join(build.build_base, f"metadata.{target.name}")
            Path(self.egg_base).mkdir(parents=True, exist_ok=True)
        declare_placeholder(self.distribution)
        super().finalize_options()
        if shared is not None:
            # An unpacked sdist contains the list, but no version control to recreate it from.
            folder = Path(self.egg_info)
            known = shared / folder.name / _SOURCES
            if known.is_file() and not (folder / _SOURCES).exists():
                folder.mkdir(exist_ok=True)
                replace_file(folder / _SOURCES, known.read_bytes())
