# SPDX-License-Identifier: Apache-2.0
"""The data of a build: what is requested, who builds it, and what was built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from ..base.file_digest import digest_of
from ..ffi.process import TVMFFIProcess
from ..ffi.sdk import TVMFFISdk
from ..settings import ExtensionSettings, Project
from ..toolchains import Toolchain
from .file_states import Status
from .plan import LibraryPlan


class Host(Protocol):
    """Builds for one platform: this machine's compilers for this machine, Zig for a target."""

    def tools(
        self, request: BuildRequest, languages: frozenset[str], process: TVMFFIProcess
    ) -> tuple[Toolchain, TVMFFISdk]:
        """Return the toolchain, and the apache-tvm-ffi to compile and link against.

        :raises BuildError: a tool is missing, or the project needs what this host cannot do.
        """

    def check(
        self,
        libraries: Sequence[BuiltLibrary],
        new: Sequence[BuiltLibrary],
        request: BuildRequest,
        toolchain: Toolchain,
    ) -> dict[str, str]:
        """Check libraries that were linked anew; return warnings by the library's path.

        :param libraries: all libraries of the distribution, since one may need another.
        :raises BuildError: a library cannot work on the platform of the wheel.
        """


@dataclass(frozen=True)
class BuildRequest:
    """What is built and where.

    :param root: the project's folder, absolute.
    :param folder: the build folder, relative to `root` where it lies inside.
    :param platform: as in ``bdist_wheel --plat-name``.
    :param host: compiles and checks the libraries: this machine's compilers, or Zig.
    """

    extensions: tuple[ExtensionSettings, ...]
    project: Project
    root: Path
    folder: PurePosixPath
    build_base: Path
    platform: str
    host: Host

    @property
    def objects_folder(self) -> PurePosixPath:
        """Where this build type keeps objects and libraries: each type has its own."""
        return self.folder / self.project.settings.build_type

    @property
    def manifest(self) -> PurePosixPath:
        """The ``build.ninja``."""
        return self.objects_folder / "build.ninja"


@dataclass(frozen=True)
class BuiltLibrary:
    """One library that was linked and checked.

    :param companions: what is shipped beside it, by path as seen from the library's folder.
    """

    plan: LibraryPlan
    content: bytes
    companions: Mapping[PurePosixPath, bytes]

    @property
    def settings(self) -> ExtensionSettings:
        """The declaration it was built from."""
        return self.plan.settings

    @property
    def sha256(self) -> str:
        """The digest of its content, hexadecimal."""
        return digest_of(self.content)


@dataclass(frozen=True)
class BuildResult:
    """The libraries of a distribution and what they were made with.

    :param ninja: its path.
    :param watched: the status of every file and folder that the build depends on, by path;
        ``None`` if a change could leave the status as it is.
    """

    libraries: tuple[BuiltLibrary, ...]
    toolchain: Toolchain
    sdk: TVMFFISdk
    ninja: str
    watched: Mapping[str, Status | None]
