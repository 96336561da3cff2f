# SPDX-License-Identifier: Apache-2.0
"""``bdist_wheel`` and ``editable_wheel``: pack the libraries into a wheel.

The commands set the wheel's tag and requirement, and add the build record and the SBOM.
"""

from __future__ import annotations

import contextlib
import os
import platform as platform_module
import re
import stat
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.editable_wheel import editable_wheel

from ...archives.deflate import deflate_members
from ...base.errors import BuildError, ConfigurationError
from ...base.file_replacement import replace_file
from ...base.write_failures import is_full
from ...binaries import headers
from ...binaries.library_names import is_library_name
from ...cross.targets import target_of
from ...project.source_date import applied_source_date
from ...records import platform_tag
from ..context import project_of
from ..extension import TVMFFIExtension
from ..summary import summarized
from .build_folder import build_folder, delete_folder, locked_build_folder
from .requirement import declare_requirement


def macos_platform_tag(tag: str, environment: Mapping[str, str], machine: str) -> str:
    """Return the platform tag with the architectures that the build compiles for.

    The tag of a universal Python names two architectures. A compiler builds for the machine's own
    architecture unless `ARCHFLAGS` names other architectures.

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
    """Builds one wheel per platform for all Python versions (tag ``py3-none-<platform>``)."""

    _packing = False
    _platform_tag: str | None = None

    def finalize_options(self) -> None:
        """Declare the requirement on apache-tvm-ffi before setuptools writes metadata."""
        declare_requirement(self.distribution, warn=False)
        target = target_of(project_of(self.distribution))
        if target is not None and self.bdist_dir is None:
            base = self.get_finalized_command("build").build_base
            self.bdist_dir = os.path.join(base, f"bdist.{target.name}", "wheel")
        super().finalize_options()

    def get_tag(self) -> tuple[str, str, str]:
        """Return the tag. A distribution that also has CPython extensions keeps setuptools' tag."""
        python, abi, platform = super().get_tag()
        if all(isinstance(e, TVMFFIExtension) for e in self.distribution.ext_modules or ()):
            python, abi = "py3", "none"
            platform = macos_platform_tag(platform, os.environ, platform_module.machine())
            target = target_of(project_of(self.distribution))
            if target is not None:
                # The build has already checked that the libraries satisfy the target's tag.
                return python, abi, target.tag
        return python, abi, self._checked_tag(platform)

    def _checked_tag(self, platform: str) -> str:
        """Return the platform tag.

        If `platform-tag` is ``auto``, the files to pack determine the tag. If `platform-tag` names
        a tag, the files to pack must satisfy this tag.
        """
        project = project_of(self.distribution)
        wanted = project.settings.platform_tag
        if wanted == platform_tag.DEFAULT or not self._packing:
            return platform
        # Compute the tag once: the file name and `WHEEL` need the same tag.
        if self._platform_tag is None:
            assert self.bdist_dir is not None
            folder, place = Path(self.bdist_dir), project.place("platform_tag")
            self._platform_tag = platform_tag.platform_tag(folder, wanted, platform, place=place)
        return self._platform_tag

    def run(self) -> None:
        """Build and pack the wheel, and report the summary."""
        with summarized(self.distribution):
            declare_requirement(self.distribution, warn=True)
            # In 'setup.py sdist bdist_wheel', `sdist` has written metadata with the requirement of
            # an sdist. Let `egg_info` run again.
            self.distribution.have_run.pop("egg_info", None)
            self._build_and_pack()

    def _build_and_pack(self) -> None:
        # Import `unshipped` only here, because it imports modules that scan sources. Hooks that
        # only write metadata do not need these modules.
        from .unshipped import warn_about_unshipped_files  # noqa: PLC0415

        self._packing = True
        with applied_source_date(Path.cwd()), locked_build_folder(self):
            # Delete the files that a killed build has left, so that they are not packed.
            delete_folder(Path(str(self.bdist_dir)))
            # Let setuptools pack the wheel without compression. `deflate_members` then compresses
            # the members, except members that an earlier build has compressed: it reuses these.
            deflates = self.compression == "deflated"
            if deflates:
                self.compression = "stored"
            with self._new_wheels() as folder:
                super().run()
                if deflates:
                    self.compression = "deflated"
                    for wheel in Path(folder).glob("*.whl"):
                        deflate_members(wheel, Path(build_folder(self), "deflated"))
            warn_about_unshipped_files(self)

    @contextlib.contextmanager
    def _new_wheels(self) -> Iterator[str]:
        """Set `dist_dir` to a temporary folder during the ``with`` block.

        If the block succeeds, the wheels are moved to the original `dist_dir`. Without this method,
        setuptools would write directly to the original folder, so a build that fails while it packs
        would replace the last good wheel by a truncated file.

        :raises BuildError: the disk of `dist_dir` is full.
        """
        final = str(self.dist_dir)
        os.makedirs(final, exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(prefix=".tmp-", dir=final) as folder:
                self.dist_dir = folder
                try:
                    yield folder
                except OSError as problem:
                    # When a write to an open file fails, the error does not name the file.
                    if problem.filename is None and is_full(Path(folder)):
                        raise BuildError(
                            f"cannot write a wheel to {final}: {problem.strerror}",
                            hint="free space on this disk, or write to a folder on another disk",
                        ) from problem
                    raise
                for name in os.listdir(folder):
                    os.replace(os.path.join(folder, name), os.path.join(final, name))
            files = self.distribution.dist_files
            self.distribution.dist_files = [
                (command, python, file.replace(folder, final)) for command, python, file in files
            ]
        finally:
            self.dist_dir = final

    def write_wheelfile(self, wheelfile_base: str, *args: str, **kwargs: str) -> None:
        """Write ``WHEEL``, the build record and the SBOM."""
        super().write_wheelfile(wheelfile_base, *args, **kwargs)
        # `editable_wheel` calls this method before the build, when these files do not exist yet.
        if self._packing:
            from ...records import build_record, sbom  # noqa: PLC0415 - as above

            self._add_from_build(build_record.FILENAME, wheelfile_base)
            if project_of(self.distribution).settings.sbom:
                self._add_from_build(sbom.PATH, wheelfile_base)
            self._check_machines()
            _set_permissions(Path(str(self.bdist_dir)))

    def _check_machines(self) -> None:
        """Reject libraries whose platform is not the platform of the wheel's tag.

        Options and environment variables can change the tag without changing the compilers.

        :raises BuildError: a library is for another platform.
        """
        tag = self.get_tag()[2]
        folder = Path(str(self.bdist_dir))
        own = re.sub(r"\W", "_", sysconfig.get_platform())
        # If this variable is set, `get_platform` returns its value, so the platform of this Python
        # is unknown.
        if "_PYTHON_HOST_PLATFORM" in os.environ:
            own = ""
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder).as_posix()
            if not is_library_name(name) or not file.is_file():
                continue
            with file.open("rb") as stream:
                start = stream.read(headers.SIZE)
            for platform in tag.split("."):
                problem = headers.tag_problem(start, platform, own)
                if problem is not None:
                    raise BuildError(
                        f"{self._origin_of_tag()}: {name} is {problem}, but the tag of the wheel "
                        f"is '{platform}'",
                        hint="remove the option or variable that sets the tag, or build for that "
                        "platform with the setting 'target'; if the file is data and not a "
                        "library, rename it without a library suffix",
                    )

    def _origin_of_tag(self) -> str:
        if self.plat_name_supplied:
            return "bdist_wheel --plat-name"
        for variable in ("_PYTHON_HOST_PLATFORM", "ARCHFLAGS"):
            if os.environ.get(variable):
                return variable
        return "bdist_wheel"

    def _add_from_build(self, name: str, metadata: str) -> None:
        file = Path(build_folder(self), name)
        if not file.exists():
            raise BuildError(
                f"{file} is missing: no libraries were built",
                hint="remove --skip-build, or run 'build_ext' first",
            )
        replace_file(Path(metadata, name), file.read_bytes())


def _set_permissions(folder: Path) -> None:
    """Set the permissions of all files to pack, so that the wheel does not depend on the umask."""
    for parent, _, names in os.walk(folder):
        for name in names:
            file = Path(parent, name)
            executable = file.stat().st_mode & stat.S_IXUSR
            file.chmod(0o755 if executable else 0o644)


class EditableWheelMixin(editable_wheel):
    """Packs an editable wheel (PEP 660). ``build_ext`` writes the libraries into the wheel."""

    def finalize_options(self) -> None:
        """Declare the requirement on apache-tvm-ffi before setuptools writes metadata.

        :raises ConfigurationError: the project sets a target.
        """
        project = project_of(self.distribution)
        if project.settings.target is not None:
            raise ConfigurationError(
                f"{project.place('target')}: an editable install cannot be for another platform",
                hint="remove the target",
            )
        declare_requirement(self.distribution, warn=False)
        super().finalize_options()
        if not self.mode and not self.package_dir:
            # For packages in the project's folder, setuptools (84.2) writes an import hook, which
            # type checkers and editors do not run. With this `package_dir`, setuptools instead adds
            # the folder to the import path, as it does for `src`. In all other respects, this
            # `package_dir` has the same effect as an empty `package_dir`.
            self.package_dir = {"": "."}

    def run(self) -> None:
        """Build and pack the wheel, and report the summary."""
        with summarized(self.distribution), locked_build_folder(self):
            declare_requirement(self.distribution, warn=True)
            super().run()
