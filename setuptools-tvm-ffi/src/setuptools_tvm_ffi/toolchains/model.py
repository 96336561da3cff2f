# SPDX-License-Identifier: Apache-2.0
"""What every toolchain takes and gives, as data."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Optional, Protocol

from ..base.errors import BuildError
from ..ffi.sdk import TVMFFISdk
from ..settings.model import ExtensionSettings

#: Name, version (``None`` if it cannot be told) and publisher of what becomes a part of a library.
StaticPart = tuple[str, Optional[str], str]


@dataclass(frozen=True)
class Compiler:
    """A compiler driver as it is started."""

    command: tuple[str, ...]
    family: str  #: ``gcc``, ``clang``, ``msvc``, ``clang-cl``, ``nvcc`` or ``hipcc``
    version: str  #: the first line it prints about itself
    launcher: tuple[str, ...] = ()  #: what it is started through when it compiles, as ``ccache``

    @property
    def product(self) -> str:
        """Whose the version is: Zig has a Clang in it, and numbers itself."""
        return "zig" if self.version.startswith("zig ") else self.family


@dataclass(frozen=True)
class EnvironmentFlags:
    """The flags that packagers and users set in the environment, split into arguments.

    `CPPFLAGS` go to C and C++, `CXXFLAGS` (`CFLAGS` for a C library) and `LDFLAGS` to the link too,
    as with CMake: ``-fsanitize=…`` and ``-flto`` need to be seen there. `CUDAFLAGS` and `HIPFLAGS`
    go to the compilers of those languages alone, as with CMake.
    """

    cppflags: tuple[str, ...] = ()
    cflags: tuple[str, ...] = ()
    cxxflags: tuple[str, ...] = ()
    cudaflags: tuple[str, ...] = ()
    hipflags: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ()
    archflags: tuple[str, ...] = ()
    deployment_target: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> EnvironmentFlags:
        """Read the variables; what they hold is split as a shell splits words.

        :raises BuildError: a variable that cannot be split.
        """

        def split(variable: str) -> tuple[str, ...]:
            value = environment.get(variable, "")
            try:
                return tuple(shlex.split(value))
            except ValueError as problem:
                raise BuildError(
                    f"{variable}={value!r} cannot be split into arguments: {problem}",
                    hint="it is read as a shell reads words: close the quotation",
                ) from None

        return cls(
            cppflags=split("CPPFLAGS"),
            cflags=split("CFLAGS"),
            cxxflags=split("CXXFLAGS"),
            cudaflags=split("CUDAFLAGS"),
            hipflags=split("HIPFLAGS"),
            ldflags=split("LDFLAGS"),
            archflags=split("ARCHFLAGS"),
            deployment_target=environment.get("MACOSX_DEPLOYMENT_TARGET") or None,
        )

    def for_language(self, language: str) -> tuple[str, ...]:
        """Return the compile flags of one language, without `CPPFLAGS`."""
        return {
            "c": self.cflags,
            "cxx": self.cxxflags,
            "cuda": self.cudaflags,
            "hip": self.hipflags,
        }[language]


@dataclass(frozen=True)
class CompileUnit:
    """One source and where its object goes; paths relative to the project's root."""

    source: str
    language: str
    object: str
    depfile: str


@dataclass(frozen=True)
class Sibling:
    """Another library of the distribution that one links with."""

    target: str
    library: str  #: where it is built, relative to the project's root
    from_package: str  #: its package's folder as seen from that of the library, ``.`` for the same


@dataclass(frozen=True)
class LinkUnit:
    """The objects of one library and where it goes; paths relative to the project's root."""

    objects: tuple[str, ...]
    languages: frozenset[str]  #: of the sources
    library: str
    response_file: str  #: holds the objects, whose number may exceed a command line
    siblings: tuple[Sibling, ...] = ()

    @property
    def driver(self) -> str:
        """The language whose compiler links: ``c`` where all is C, else ``cxx``."""
        return "c" if self.languages == {"c"} else "cxx"


@dataclass(frozen=True)
class Companion:
    """Files that are shipped beside a library.

    :param files: relative to the project's root.
    :param command: what makes them from the library; ``None`` where linking does.
    """

    files: tuple[str, ...]
    command: tuple[str, ...] | None = None


def system_of(platform: str) -> str:
    """Return ``linux`` (for anything with ELF), ``darwin`` or ``windows`` for a ``sys.platform``.

    >>> system_of("win32"), system_of("freebsd14")
    ('windows', 'linux')
    """
    return {"darwin": "darwin", "win32": "windows"}.get(platform, "linux")


def library_filename(system: str, target: str) -> str:
    """Return the file name under which ``load_lib_module`` looks for a target.

    >>> library_filename("linux", "ops"), library_filename("darwin", "ops")
    ('libops.so', 'libops.dylib')
    >>> library_filename("windows", "ops")
    'ops.dll'
    """
    if system == "windows":
        return f"{target}.dll"
    return f"lib{target}.{'dylib' if system == 'darwin' else 'so'}"


def path_in_wheel(settings: ExtensionSettings, system: str | None = None) -> PurePosixPath:
    """Return where an extension's library lies in a wheel.

    :param system: what it is built for; by default the system of this machine.
    """
    filename = library_filename(system or system_of(sys.platform), settings.target)
    return PurePosixPath(*settings.package.split("."), filename)


class LanguageCompiler(Protocol):
    """Pure functions from settings to the command lines that make objects of one language."""

    @property
    def dependency_style(self) -> str:
        """How ninja learns about headers: ``gcc`` (a depfile) or ``msvc`` (``/showIncludes``)."""

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        """Return what every unit of a language is compiled with."""

    def compile_command(self, flags: tuple[str, ...], unit: CompileUnit) -> tuple[str, ...]:
        """Return the command that makes one object with these flags."""


class DeviceCompiler(LanguageCompiler, Protocol):
    """A compiler for code that runs on a GPU, and for the host code around it."""

    @property
    def compiler(self) -> Compiler:
        """The driver that is started."""

    def notice(self, settings: ExtensionSettings) -> str | None:
        """Return what a build is to say about a default that it makes use of."""

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """Where libraries may lie that stand in for a driver's, for loading what needs one."""

    def link_flags(self, settings: ExtensionSettings) -> tuple[str, ...]:
        """Return what a library with its objects is linked with."""

    def static_parts(self, settings: ExtensionSettings) -> tuple[StaticPart, ...]:
        """Return the code of others that becomes a part of such a library."""


class Toolchain(LanguageCompiler, Protocol):
    """Compiles C and C++, and links; code of other languages is left to its `devices`."""

    @property
    def compilers(self) -> Mapping[str, Compiler]:
        """The compilers in use, by language; those of `devices` among them."""

    @property
    def devices(self) -> Mapping[str, DeviceCompiler]:
        """What compiles ``cuda`` and ``hip``."""

    @property
    def system(self) -> str:
        """What is built for, as in `system_of`."""

    @property
    def object_suffix(self) -> str:
        """The suffix of object files, with its dot."""

    def support_files(self) -> Mapping[str, str]:
        """Names and contents of files that link commands refer to."""

    def link_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, unit: LinkUnit, support_folder: str
    ) -> tuple[str, ...]:
        """Return what comes after the objects on the link command.

        :param support_folder: where the `support_files` lie.
        """

    def link_command(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        """Return the command that makes the library from `unit.response_file`."""

    def companion(self, settings: ExtensionSettings, unit: LinkUnit) -> Companion | None:
        """Return what is shipped beside the library."""

    def static_parts(self, languages: AbstractSet[str]) -> tuple[StaticPart, ...]:
        """Return the code of others that the linker brings into a library with these languages."""

    def response_file_content(self, objects: tuple[str, ...]) -> str:
        """Return the objects, one a line, quoted as the linker driver expects."""

    def shell_line(self, command: tuple[str, ...]) -> str:
        """Return the command as ninja on this platform takes it."""
