# SPDX-License-Identifier: Apache-2.0
"""The data of a build: the request, the host that builds the libraries, and the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from ..base.file_digest import digest_of
from ..ffi.process import TVMFFIProcess
from ..ffi.sdk import TVMFFISdk
from ..project.sources import Generated
from ..settings import ExtensionSettings, Project
from ..toolchains import Toolchain
from .file_states import Status
from .plan import LibraryPlan
from .work import Work


class Host(Protocol):
    """Finds the compilers for a platform, and checks the libraries that were built with them.

    One implementation builds for this machine. Another implementation builds for other platforms
    with Zig.
    """

    def tools(
        self, request: BuildRequest, languages: frozenset[str], process: TVMFFIProcess
    ) -> tuple[Toolchain, TVMFFISdk]:
        """Return the toolchain, and the apache-tvm-ffi to compile and link against.

        :param languages: the languages of the sources, such as ``cxx``.
        :param process: the child process that imports `tvm_ffi`.
        :raises BuildError: a tool is missing, or the project needs a feature that this
            implementation lacks.
        """

    def check(
        self,
        libraries: Sequence[BuiltLibrary],
        new: Sequence[BuiltLibrary],
        request: BuildRequest,
        toolchain: Toolchain,
    ) -> dict[str, str]:
        """Check new and changed libraries. Return a warning for each library that has a problem.

        The key of a warning is the path of the library.

        :param libraries: all libraries of the distribution. A library may need another library of
            the distribution.
        :param new: the libraries to check.
        :raises BuildError: a library cannot work on the platform of the wheel.
        """


@dataclass(frozen=True)
class BuildRequest:
    """The libraries to build, and the folders in which the build writes files.

    :param root: the absolute path of the project's folder.
    :param folder: the build folder. The path is relative to `root` if the folder is inside `root`.
    :param build_base: the folder that contains all build folders.
    :param platform: the platform's name, as in ``bdist_wheel --plat-name``.
    :param host: the object that finds the compilers and checks the libraries.
    :param rebuilds: whether the import of an editable install has started this build.
    """

    extensions: tuple[ExtensionSettings, ...]
    project: Project
    root: Path
    folder: PurePosixPath
    build_base: Path
    platform: str
    host: Host
    rebuilds: bool = False

    @property
    def objects_folder(self) -> PurePosixPath:
        """The folder of objects and libraries. Each build type has its own folder."""
        return self.folder / self.project.settings.build_type

    @property
    def generation_folder(self) -> PurePosixPath:
        """The folder with the record and ``build.ninja`` of the commands that generate files."""
        return self.objects_folder / "generation"

    @property
    def generated_folder(self) -> PurePosixPath:
        """The folder of generated files. It contains only outputs of the commands."""
        return self.objects_folder / "generated"

    @property
    def generated(self) -> Generated:
        """The files that commands generate."""
        return Generated.of(self.project.settings.generate, self.generated_folder)


@dataclass(frozen=True)
class BuiltLibrary:
    """One library that was linked and checked.

    :param companions: the contents of the files that belong to the library, such as debug symbols.
        The key is the path of the file, relative to the library's folder.
    """

    plan: LibraryPlan
    content: bytes
    companions: Mapping[PurePosixPath, bytes]

    @property
    def settings(self) -> ExtensionSettings:
        """The settings of the library's extension."""
        return self.plan.settings

    @property
    def sha256(self) -> str:
        """The SHA-256 of the library, in hexadecimal digits."""
        return digest_of(self.content)


@dataclass(frozen=True)
class BuildResult:
    """The libraries of a distribution, and the tools that built them.

    :param ninja: the path of ninja.
    :param watched: the status of each file and folder that the build depends on. The key is the
        path. If the file can change without a change of the status, the value is ``None``.
    :param work: what the build has done, for the summary.
    """

    libraries: tuple[BuiltLibrary, ...]
    toolchain: Toolchain
    sdk: TVMFFISdk
    ninja: str
    watched: Mapping[str, Status | None]
    work: Work = field(default_factory=Work)
