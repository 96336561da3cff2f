# SPDX-License-Identifier: Apache-2.0
"""``egg_info``: keeps a build's metadata out of the project's folder.

If the project's folder contained this metadata, a Python process that starts in this folder would
find the build's metadata before the installed metadata. ``load_lib_module`` would then fail,
because the build's metadata has no ``RECORD``.
"""

from __future__ import annotations

import os
from pathlib import Path

from setuptools.command.egg_info import egg_info

from ...base.file_replacement import replace_file
from ...cross.targets import target_of
from ..context import project_of
from .build_folder import writable_build_base
from .requirement import declare_placeholder

SOURCES = "SOURCES.txt"

#: An sdist always contains `SOURCES.txt` below this folder, even if the project has another build
#: folder.
DEFAULT_BUILD_BASE = "build"


class EggInfoMixin(egg_info):
    """Writes ``*.egg-info`` below the build folder unless ``egg_base`` is set.

    Each target has its own folder, so that builds for two targets can run at the same time.

    An sdist contains ``SOURCES.txt``. A build of the unpacked sdist reads the list of package data
    from this file. A build outside an unpacked sdist ignores the ``SOURCES.txt`` of an earlier
    build, because the file may list files that are no longer part of the project.
    """

    def finalize_options(self) -> None:
        """Set `egg_base`, so that setuptools does not choose the project's folder."""
        # `setup.py develop` adds the project's folder to the import path, and needs the metadata in
        # this folder.
        is_ours = self.egg_base is None and "develop" not in self.distribution.commands
        if is_ours:
            self.egg_base = str(self.get_finalized_command("build").build_base)
            target = target_of(project_of(self.distribution))
            # An sdist contains the same files for every target, so it needs no folder per target.
            if target is not None and "sdist" not in self.distribution.commands:
                self.egg_base = os.path.join(self.egg_base, f"metadata.{target.name}")
            with writable_build_base(self):
                Path(self.egg_base).mkdir(parents=True, exist_ok=True)
        declare_placeholder(self.distribution)
        super().finalize_options()
        folder = Path(self.egg_info)
        packed = Path(DEFAULT_BUILD_BASE, folder.name, SOURCES)
        if is_ours and packed.is_file() and not (folder / SOURCES).exists():
            replace_file(folder / SOURCES, packed.read_bytes())

    def run(self) -> None:
        """Write the metadata."""
        listed = Path(self.egg_info, SOURCES)
        with writable_build_base(self):
            if listed.exists() and not Path("PKG-INFO").exists():
                # Do not use `replace_file`: if the build is killed, a temporary file may remain in
                # this folder, and a wheel contains all files of this folder.
                listed.write_bytes(b"")
            super().run()

    def find_sources(self) -> None:
        """Write `SOURCES.txt` unless only `dist_info` runs.

        The result of `dist_info` does not contain this file. To write the file, setuptools would
        have to import the modules that build libraries.
        """
        if self.distribution.commands != ["dist_info"]:
            super().find_sources()
