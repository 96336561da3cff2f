# SPDX-License-Identifier: Apache-2.0
"""The interface of toolchains: protocols, and the data that they use."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Any, Optional, Protocol

from ..base.errors import BuildError
from ..ffi.sdk import TVMFFISdk
from ..settings.model import ExtensionSettings

#: Name, version (``None`` if unknown) and publisher of code that is linked statically.
StaticPart = tuple[str, Optional[str], str]


@dataclass(frozen=True)
class Compiler:
    """A compiler driver."""

    command: tuple[str, ...]
    family: str  #: ``gcc``, ``clang``, ``msvc``, ``clang-cl``, ``nvcc`` or ``hipcc``
    version: str  #: the first line of its ``--version``
    launcher: tuple[str, ...] = ()  #: the program that runs the compiler, such as ``ccache``

    @property
    def product(self) -> str:
        """The product that `version` refers to. Zig contains a Clang, but has its own versions."""
        return "zig" if self.version.startswith("zig ") else self.family


@dataclass(frozen=True)
class EnvironmentFlags:
    """The flags in environment variables, split into arguments.

    As with CMake, `CPPFLAGS` apply to C and C++. The link uses `LDFLAGS` and `CXXFLAGS` (`CFLAGS`
    for a C library), because the linker needs ``-fsanitize=…`` and ``-flto``. `CUDAFLAGS` and
    `HIPFLAGS` apply to the compilers of those languages only.
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
        """Read the variables and split their values as a shell does.

        :raises BuildError: a variable cannot be split.
        """
        names = (f.name for f in fields(cls) if f.name != "deployment_target")
        flags: dict[str, Any] = {n: split_variable(n.upper(), environment) for n in names}
        target = environment.get("MACOSX_DEPLOYMENT_TARGET") or None
        return cls(**flags, deployment_target=target)

    def for_language(self, language: str) -> tuple[str, ...]:
        """Return the compile flags of one language, without `CPPFLAGS`."""
        flags: tuple[str, ...] = getattr(self, f"{language}flags")
        return flags


def split_variable(variable: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Split the value of an environment variable as a shell does. An unset variable is empty.

    :raises BuildError: the variable cannot be split.
    """
    value = environment.get(variable, "")
    try:
        return tuple(shlex.split(value))
    except ValueError as problem:
        raise BuildError(
            f"{variable}={value!r} cannot be split into words: {problem}",
            hint="the value is split as a shell does: close the quotation",
        ) from None


@dataclass(frozen=True)
class CompileUnit:
    """One source and its object file; paths are relative to the project's root."""

    source: str
    language: str
    object: str
    depfile: str


@dataclass(frozen=True)
class Sibling:
    """Another library of the distribution that a library links with."""

    target: str
    library: str  #: the built file, relative to the project's root
    from_package: str  #: the sibling's package folder, relative to the linking library's folder


@dataclass(frozen=True)
class LinkUnit:
    """The objects and the file of one library; paths are relative to the project's root."""

    objects: tuple[str, ...]
    languages: frozenset[str]  #: the languages of the sources
    library: str
    response_file: str  #: lists the objects, because the length of a command line is limited
    siblings: tuple[Sibling, ...] = ()

    @property
    def driver(self) -> str:
        """The language whose compiler links: ``c`` if all sources are C, else ``cxx``."""
        return "c" if self.languages == {"c"} else "cxx"


@dataclass(frozen=True)
class Companion:
    """Files that are shipped beside a library.

    :param files: relative to the project's root.
    :param command: writes the files after the link; ``None`` if the linker writes them.
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
    """Return the file name that ``load_lib_module`` expects for a target.

    >>> library_filename("linux", "ops"), library_filename("darwin", "ops")
    ('libops.so', 'libops.dylib')
    >>> library_filename("windows", "ops")
    'ops.dll'
    """
    if system == "windows":
        return f"{target}.dll"
    return f"lib{target}.{'dylib' if system == 'darwin' else 'so'}"


def path_in_wheel(settings: ExtensionSettings, system: str | None = None) -> PurePosixPath:
    """Return the path of an extension's library in the wheel.

    :param system: the target system; by default the system of this machine.
    """
    filename = library_filename(system or system_of(sys.platform), settings.target)
    return PurePosixPath(*settings.package.split("."), filename)


class LanguageCompiler(Protocol):
    """Pure functions from settings to the compile commands of one language."""

    @property
    def dependency_style(self) -> str:
        """How the compiler reports headers: ``gcc`` (``-MD``) or ``msvc`` (JSON)."""

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        """Return the flags for all sources of a language."""

    def compile_command(self, flags: tuple[str, ...], unit: CompileUnit) -> tuple[str, ...]:
        """Return the command that compiles one object with these flags."""

    def include_path_question(self, flags: tuple[str, ...], language: str) -> tuple[str, ...]:
        """Return a command that prints the include path in GCC's format; empty if there is none."""


class DeviceCompiler(LanguageCompiler, Protocol):
    """A compiler for sources that contain both GPU code and host code."""

    @property
    def compiler(self) -> Compiler:
        """The compiler driver."""

    def notice(self, settings: ExtensionSettings) -> str | None:
        """Return the line that a build prints about a default that it uses, if any."""

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """Possible paths of stub libraries that replace a missing driver when a library loads."""

    def link_flags(self, settings: ExtensionSettings) -> tuple[str, ...]:
        """Return the link flags for a library with objects of this compiler."""

    def static_parts(self, settings: ExtensionSettings) -> tuple[StaticPart, ...]:
        """Return the third-party code that a library with such objects contains."""


class Toolchain(LanguageCompiler, Protocol):
    """Compiles C and C++ and links libraries. `devices` compile the other languages."""

    @property
    def compilers(self) -> Mapping[str, Compiler]:
        """The compilers in use, by language, including those of `devices`."""

    @property
    def devices(self) -> Mapping[str, DeviceCompiler]:
        """The compilers for ``cuda`` and ``hip``."""

    @property
    def system(self) -> str:
        """The target system, see `system_of`."""

    @property
    def object_suffix(self) -> str:
        """The suffix of object files, including the dot."""

    def support_files(self) -> Mapping[str, str]:
        """Return names and contents of files that link commands read."""

    def link_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, unit: LinkUnit, support_folder: str
    ) -> tuple[str, ...]:
        """Return the arguments that follow the objects in the link command.

        :param support_folder: the folder of the `support_files`.
        """

    def link_command(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        """Return the command that links the objects in `unit.response_file`."""

    def library_path_question(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        """Return a command that prints the library path in GCC's format; empty if there is none."""

    def companion(self, settings: ExtensionSettings, unit: LinkUnit) -> Companion | None:
        """Return the files that are shipped beside the library, if any."""

    def static_parts(self, languages: AbstractSet[str]) -> tuple[StaticPart, ...]:
        """Return the third-party code that the linker adds to a library with these languages."""

    def response_file_content(self, objects: tuple[str, ...]) -> str:
        """Return the objects, one per line, quoted for the linker driver."""

    def shell_line(self, command: tuple[str, ...]) -> str:
        """Return the command as one line, quoted for ninja on this platform."""
