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

#: Third-party code that is linked statically: name, version (``None`` if unknown) and publisher.
StaticPart = tuple[str, Optional[str], str]


@dataclass(frozen=True)
class Compiler:
    """A compiler driver.

    :param command: the program and its fixed arguments.
    :param family: ``gcc``, ``clang``, ``msvc``, ``clang-cl``, ``nvcc`` or ``hipcc``.
    :param version: a line that contains the version, from the output of ``--version`` if possible.
    :param launcher: a command that runs the compiler, such as ``ccache``; empty for no launcher.
    """

    command: tuple[str, ...]
    family: str
    version: str
    launcher: tuple[str, ...] = ()

    @property
    def product(self) -> str:
        """The product that `version` refers to: ``zig`` for the Clang in Zig, else `family`."""
        return "zig" if self.version.startswith("zig ") else self.family


@dataclass(frozen=True)
class EnvironmentFlags:
    """The flags in environment variables, split into arguments.

    `CPPFLAGS` apply to C and C++, but not to CUDA and HIP. (CMake does the same.) `CUDAFLAGS` apply
    only to CUDA, and `HIPFLAGS` only to HIP. `LDFLAGS` apply to every link. With GCC and Clang, the
    flags of one language also apply to the link: `CFLAGS` if all sources are C or assembly,
    otherwise `CXXFLAGS`. These flags can contain options that the linker needs, such as
    ``-fsanitize=…`` and ``-flto``.
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
        """Return the compile flags of one language, without `CPPFLAGS`.

        `CFLAGS` apply to assembly, too. (CMake and Automake do the same.)
        """
        flags: tuple[str, ...] = getattr(self, f"{'c' if language == 'asm' else language}flags")
        return flags


def split_variable(variable: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Split the value of an environment variable as a shell does.

    If the variable is not set, the result is empty.

    :raises BuildError: the variable cannot be split.
    """
    value = environment.get(variable, "")
    try:
        return tuple(shlex.split(value))
    except ValueError as problem:
        raise BuildError(
            f"{variable}={value!r} cannot be split into words: {problem}",
            hint="the value is split like a shell command: add the missing quote",
        ) from None


@dataclass(frozen=True)
class CompileUnit:
    """One source and its object file. Paths are relative to the project's root.

    :param joined: in a unity build, the sources that the command includes. `source` is then a file
        without code.
    :param header: a header that the command includes first, or "".
    :param precompiled: the precompiled form of `header`, or "" if the compiler reads `header`.
    :param format: ``object``, ``fatbin`` or ``cubin``. Only nvcc writes the formats ``fatbin`` and
        ``cubin``, which contain device code.
    """

    source: str
    language: str
    object: str
    depfile: str
    joined: tuple[str, ...] = ()
    header: str = ""
    precompiled: str = ""
    format: str = "object"

    @property
    def reports_headers(self) -> bool:
        """Whether the compiler writes a depfile. The compiler writes none for a ``.s`` file."""
        return not self.source.endswith(".s")


@dataclass(frozen=True)
class HeaderUnit:
    """A header to precompile. Paths are relative to the project's root.

    :param source: a source without content. To precompile a header, cl must compile a source.
    """

    header: str
    language: str
    source: str
    depfile: str


@dataclass(frozen=True)
class Precompilation:
    """The command that precompiles a header.

    :param output: the precompiled header that the command writes.
    :param object: an object that the command also writes, and that must be linked; ``None`` if the
        command writes no object.
    """

    command: tuple[str, ...]
    output: str
    object: str | None = None


@dataclass(frozen=True)
class Sibling:
    """A library that another library of the same distribution links with.

    :param target: the base name of the sibling.
    :param library: the path of the sibling, relative to the project's root.
    :param from_package: the folder of the sibling's package, relative to the folder of the library
        that links with the sibling.
    """

    target: str
    library: str
    from_package: str


@dataclass(frozen=True)
class LinkUnit:
    """One library, and the objects to link. Paths are relative to the project's root.

    :param languages: the languages of the sources and of the prebuilt objects.
    :param response_file: a file that lists the objects, to keep the command line short.
    """

    objects: tuple[str, ...]
    languages: frozenset[str]
    library: str
    response_file: str
    siblings: tuple[Sibling, ...] = ()

    @property
    def driver(self) -> str:
        """The language of the compiler that links: ``c`` for C and assembly, otherwise ``cxx``."""
        return "c" if self.languages <= {"c", "asm"} else "cxx"


@dataclass(frozen=True)
class Companion:
    """Files that belong to a library and are next to it in the wheel, such as debug symbols.

    :param files: the paths of the files, relative to the project's root.
    :param command: the command that writes the files after the link, or ``None`` if the linker
        writes them.
    """

    files: tuple[str, ...]
    command: tuple[str, ...] | None = None


def system_of(platform: str) -> str:
    """Return ``darwin``, ``windows``, or ``linux`` (for all ELF platforms).

    :param platform: a value of :data:`sys.platform`.

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

    :param system: the target system, or ``None`` for the system of this machine.
    """
    filename = library_filename(system or system_of(sys.platform), settings.target)
    return PurePosixPath(*settings.package.split("."), filename)


class LanguageCompiler(Protocol):
    """Pure functions from settings to the compile commands of one language."""

    @property
    def dependency_style(self) -> str:
        """How the compiler reports the headers it has read: ``gcc`` (-MD) or ``msvc`` (JSON)."""

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        """Return the flags for all sources of a language."""

    def compile_command(self, flags: tuple[str, ...], unit: CompileUnit) -> tuple[str, ...]:
        """Return the command that compiles one source with these flags."""

    def include_path_question(self, flags: tuple[str, ...], language: str) -> tuple[str, ...]:
        """Return a command that prints the include path in GCC's format.

        The result is () if the compiler has no such command.
        """


class DeviceCompiler(LanguageCompiler, Protocol):
    """A compiler for sources that contain both GPU code and host code."""

    @property
    def compiler(self) -> Compiler:
        """The compiler driver."""

    def notice(self, settings: ExtensionSettings) -> str | None:
        """Return a line that reports the default GPU architectures.

        The result is ``None`` if the settings declare architectures.
        """

    @property
    def include_dirs(self) -> tuple[str, ...]:
        """The folders of the toolkit's headers, for the compilers of C and C++ sources."""

    @property
    def library_dirs(self) -> tuple[str, ...]:
        """The folders of the toolkit's libraries, and of the stubs of the driver's libraries."""

    def parallel_parts(self, flags: tuple[str, ...]) -> int:
        """Return how many parts of a source the option ``--threads`` compiles in parallel.

        The result is 1 if the compiler lacks the option, or if `flags` already contain the option.
        """

    def linker_name(self, library: str) -> str:
        """Return the argument of ``-l`` that links a library of the toolkit or of the system."""

    def device_link_command(
        self,
        settings: ExtensionSettings,
        flags: tuple[str, ...],
        objects: tuple[str, ...],
        output: str,
    ) -> tuple[str, ...]:
        """Return the command that links the device code of objects.

        The result is () if the device code needs no link.

        :param flags: the compile flags of the objects.
        :param output: the object file that the command writes. The build links this file into the
            library, in addition to the objects.
        """

    def link_flags(self, settings: ExtensionSettings) -> tuple[str, ...]:
        """Return the link flags for a library that contains objects from this compiler."""

    def static_parts(self, settings: ExtensionSettings) -> tuple[StaticPart, ...]:
        """Return the third-party code that the result of `link_flags` adds to a library."""


def linked_devices(
    settings: ExtensionSettings, languages: AbstractSet[str], devices: Mapping[str, DeviceCompiler]
) -> list[DeviceCompiler]:
    """Return the device compilers whose toolkits a library links with.

    :param languages: the languages of the library's sources.
    """
    wanted = {*languages, *(("cuda",) if settings.cuda_toolkit else ())}
    return [devices[language] for language in sorted(wanted & set(devices))]


def toolkit_includes(
    settings: ExtensionSettings, devices: Mapping[str, DeviceCompiler]
) -> tuple[str, ...]:
    """Return the folders of the CUDA toolkit's headers, for C and C++ sources."""
    uses = settings.cuda_toolkit and "cuda" in devices
    return devices["cuda"].include_dirs if uses else ()


class Toolchain(LanguageCompiler, Protocol):
    """Commands that compile C and C++, and link libraries. `devices` compile CUDA and HIP."""

    @property
    def compilers(self) -> Mapping[str, Compiler]:
        """The compiler of each language, including the compilers in `devices`.

        The key ``cuda-host`` refers to the C++ compiler that nvcc runs. The key exists only if this
        compiler is not the compiler of C++ sources.
        """

    @property
    def devices(self) -> Mapping[str, DeviceCompiler]:
        """The device compilers in use. The key is ``cuda`` or ``hip``."""

    @property
    def system(self) -> str:
        """The target system, see `system_of`."""

    @property
    def root(self) -> str:
        """The absolute path of the project's folder."""

    @property
    def object_suffix(self) -> str:
        """The suffix of object files, including the dot."""

    def support_files(self) -> Mapping[str, str]:
        """Return the names and contents of files that the build writes for link commands."""

    def precompile(self, flags: tuple[str, ...], unit: HeaderUnit) -> Precompilation | None:
        """Return the command that precompiles a header.

        The result is ``None`` if the compiler cannot precompile a header with these flags.
        """

    def needs_cxx(self, settings: ExtensionSettings) -> bool:
        """Return whether prebuilt objects of an extension need the C++ runtime."""

    def link_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, unit: LinkUnit, support_folder: str
    ) -> tuple[str, ...]:
        """Return the arguments that follow the objects in the link command.

        :param support_folder: the folder that contains the `support_files`.
        """

    def link_command(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        """Return the command that links the objects in `unit.response_file`."""

    def library_path_question(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        """Return a command that prints the library path in GCC's format.

        The result is () if the compiler has no such command.
        """

    def companion(self, settings: ExtensionSettings, unit: LinkUnit) -> Companion | None:
        """Return the files that belong to the library and are next to it in the wheel, if any."""

    def static_parts(self, languages: AbstractSet[str]) -> tuple[StaticPart, ...]:
        """Return the third-party code that the linker adds to a library.

        :param languages: the languages of the library's sources.
        """

    def response_file_content(self, objects: tuple[str, ...]) -> str:
        """Return the content of a response file: one quoted object in each line."""

    def shell_line(self, command: tuple[str, ...]) -> str:
        """Return the command as one line, quoted for ninja on this platform."""
