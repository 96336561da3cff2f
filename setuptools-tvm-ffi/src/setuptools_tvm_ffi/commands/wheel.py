# SPDX-License-Identifier: Apache-2.0
"""``bdist_wheel`` and its companions: the tag, the requirement and the build record of a wheel."""

from __future__ import annotations

import os
import platform as platform_module
import re
from collections.abc import Mapping
from pathlib import Path

from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.dist_info import dist_info
from setuptools.command.editable_wheel import editable_wheel

from .. import build_record
from ..attachment import project_of
from ..cross.targets import target_of
from ..errors import BuildError, ConfigurationError
from ..extension import TVMFFIExtension
from ..file_replacement import replace_file
from .build_folder import build_folder, locked_build_folder
from .requirement import declare_requirement

_RECORD_MODE = 0o644


def macos_platform_tag(tag: str, environment: Mapping[str, str], machine: str) -> str:
    """Return the platform tag with the architectures that are compiled for.

    A universal Python's own name promises two, of which a compiler makes the machine's unless
    `ARCHFLAGS` says otherwise.

    >>> macos_platform_tag("macosx_11_0_universal2", {}, "arm64")
    'macosx_11_0_arm64'
    >>> flags = {"ARCHFLAGS": "-arch arm64 -arch x86_64"}
    >>> macos_platform_tag("macosx_11_0_arm64", flags, "arm64")
    'macosx_11_0_universal2'
    """
    match = re.fullmatch(r"(macosx_\d+_\d+)_\w+", tag)
    if match is None:
        return tag
    architectures = set(re.findall(r"-arch\s+(\w+)", environment.get("ARCHFLAGS", "")))
    if architectures == {"arm64", "x86_64"}:
        return f"{match[1]}_universal2"
    return f"{match[1]}_{architectures.pop() if len(architectures) == 1 else machine}"


class BdistWheelMixin(bdist_wheel):
    """One wheel for every Python of a platform (PEP 425 tag ``py3-none-<platform>``)."""

    _packing = False

    def finalize_options(self) -> None:
        """Have the requirement in place before metadata is written."""
        declare_requirement(self.distribution, warn=False)
        target = target_of(project_of(self.distribution))
        if target is not None and self.bdist_dir is None:
            base = self.get_finalized_command("build").build_base
            self.bdist_dir = os.path.join(base, f"bdist.{target.name}", "wheel")
        super().finalize_options()

    def get_tag(self) -> tuple[str, str, str]:
        """Return the tag; a distribution with a CPython extension beside ours keeps its own."""
        python, abi, platform = super().get_tag()
        if all(isinstance(e, TVMFFIExtension) for e in self.distribution.ext_modules or ()):
            python, abi = "py3", "none"
            platform = macos_platform_tag(platform, os.environ, platform_module.machine())
            target = target_of(project_of(self.distribution))
            if target is not None:
                platform = target.tag
        return python, abi, platform

    def run(self) -> None:
        """Build and pack the wheel."""
        declare_requirement(self.distribution, warn=True)
        self._packing = True
        with locked_build_folder(self):
            super().run()

    def write_wheelfile(self, wheelfile_base: str, *args: str, **kwargs: str) -> None:
        """Write ``WHEEL``, and the build record beside it once libraries were built."""
        super().write_wheelfile(wheelfile_base, *args, **kwargs)
        if self._packing:  # an editable wheel asks for `WHEEL` before it builds
            file = Path(build_folder(self), build_record.FILENAME)
            if not file.exists():
                raise BuildError(
                    f"{file} is missing: nothing was built that could be packed",
                    hint="leave out --skip-build, or run 'build_ext' before",
                )
            record = file.read_bytes()
            replace_file(Path(wheelfile_base, build_record.FILENAME), record, mode=_RECORD_MODE)


class DistInfoMixin(dist_info):
    """Metadata alone, as ``prepare_metadata_for_build_wheel`` asks for it (PEP 517)."""

    def finalize_options(self) -> None:
        """Have the requirement in place before metadata is written."""
        declare_requirement(self.distribution, warn=False)
        super().finalize_options()


class EditableWheelMixin(editable_wheel):
    """The editable wheel (PEP 660); the libraries are put into it by ``build_ext``."""

    def finalize_options(self) -> None:
        """Have the requirement in place before metadata is written."""
        project = project_of(self.distribution)
        if project.settings.target is not None:
            raise ConfigurationError(
                f"{project.place('target')}: an editable install is for this machine",
                hint="leave the target out of it",
            )
        declare_requirement(self.distribution, warn=True)
        super().finalize_options()

    def run(self) -> None:
        """Build and pack the wheel."""
        with locked_build_folder(self):
            super().run()
