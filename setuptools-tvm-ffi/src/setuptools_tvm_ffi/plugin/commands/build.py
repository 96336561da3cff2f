# SPDX-License-Identifier: Apache-2.0
"""``build``: gives each target its own ``build_lib``, and empties this folder before a build."""

from __future__ import annotations

import os
from pathlib import Path

from setuptools.command.build import build

from ...base.errors import ConfigurationError
from ...cross.targets import target_of
from ..context import project_of
from .build_folder import delete_folder, locked_build_folder


def _checked(build_dir: str, place: str) -> str:
    """Return the normalized path of the build folder.

    A build deletes files in this folder, so the folder must not contain the project.

    :raises ConfigurationError: the folder contains the project.
    """
    folder = Path(os.path.abspath(build_dir))
    if folder in (Path.cwd(), *Path.cwd().parents):
        raise ConfigurationError(
            f"{place}: {build_dir!r} contains the project",
            hint="name a folder that contains no other files",
        )
    return os.path.normpath(build_dir)


class BuildMixin(build):
    """Gives each target its own folder ``build_lib``, and empties this folder before a build.

    setuptools packs every file in ``build_lib``, and replaces a module in this folder only if the
    module in the source tree has a later modification time. Without this class, a wheel would
    contain stale files after a source file was deleted, renamed or replaced, or after a build was
    killed.
    """

    def finalize_options(self) -> None:
        """Set the folders that no command-line option sets."""
        project = project_of(self.distribution)
        origin, _ = self.distribution.get_option_dict("build").get("build_base", (None, None))
        if project.settings.build_dir is not None and origin != "command line":
            self.build_base = _checked(project.settings.build_dir, project.place("build_dir"))
        target = target_of(project)
        if target is not None and self.build_platlib is None:
            self.build_platlib = os.path.join(self.build_base, f"lib.{target.name}")
        super().finalize_options()

    def run(self) -> None:
        """Empty ``build_lib`` and ``build_scripts``, then build."""
        with locked_build_folder(self):
            # If a subcommand has already run, as in `setup.py build_py build`, keep its files: the
            # subcommand does not run again. Do not empty a folder outside `build_base`: the folder
            # may contain files that no build has written.
            ran = any(self.distribution.have_run.get(name) for name in self.get_sub_commands())
            folder = Path(os.path.abspath(self.build_lib))
            for made in (folder, Path(os.path.abspath(self.build_scripts))):
                if not ran and Path(os.path.abspath(self.build_base)) in made.parents:
                    delete_folder(made)
            super().run()
