# SPDX-License-Identifier: Apache-2.0
"""What every toolchain takes and gives, as data."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ..errors import BuildError
from ..extension import ExtensionSettings
from ..tvm_ffi_sdk import TVMFFISdk


@dataclass(frozen=True)
class Compiler:
    """A compiler driver as it is started: ``command`` may begin with a launcher."""

    command: tuple[str, ...]
    family: str  #: ``gcc``, ``clang`` or ``msvc``
    version: str  #: the first line it prints about itself


@dataclass(frozen=True)
class EnvironmentFlags:
    """The flags that packagers and users set in the environment, split into arguments.

    `CPPFLAGS` go to both languages, `CXXFLAGS` (`CFLAGS` for a C library) and `LDFLAGS` to the
    link too, as with CMake: ``-fsanitize=…`` and ``-flto`` need to be seen there.
    """

    cppflags: tuple[str, ...] = ()
    cflags: tuple[str, ...] = ()
    cxxflags: tuple[str, ...] = ()
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
            ldflags=split("LDFLAGS"),
            archflags=split("ARCHFLAGS"),
            deployment_target=environment.get("MACOSX_DEPLOYMENT_TARGET") or None,
        )

    def for_language(self, language: str) -> tuple[str, ...]:
        """Return the compile flags of one language, ``c`` or ``cxx``, without `CPPFLAGS`."""
        return self.cflags if language == "c" else self.cxxflags


@dataclass(frozen=True)
class CompileUnit:
    """One source and where its object goes; paths relative to the project's root."""

    source: str
    language: str
    object: str
    depfile: str


@dataclass(frozen=True)
class LinkUnit:
    """The objects of one library and where it goes; paths relative to the project's root."""

    objects: tuple[str, ...]
    language: str  #: ``cxx`` as soon as one source is C++
    library: str
    response_file: str  #: holds the objects, whose number may exceed a command line


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


class Toolchain(Protocol):
    """Pure functions from settings to command lines."""

    @property
    def compilers(self) -> Mapping[str, Compiler]:
        """The compilers in use, by language."""

    @property
    def system(self) -> str:
        """What is built for, as in `system_of`."""

    @property
    def dependency_style(self) -> str:
        """How ninja learns about headers: ``gcc`` (a depfile) or ``msvc`` (``/showIncludes``)."""

    @property
    def object_suffix(self) -> str:
        """The suffix of object files, with its dot."""

    def support_files(self) -> Mapping[str, str]:
        """Names and contents of files that link commands refer to."""

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        """Return what every unit of a language is compiled with."""

    def compile_command(self, flags: tuple[str, ...], unit: CompileUnit) -> tuple[str, ...]:
        """Return the command that makes one object with these flags."""

    def link_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str, support_folder: str
    ) -> tuple[str, ...]:
        """Return what comes after the objects on the link command.

        :param support_folder: where the `support_files` lie.
        """

    def link_command(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        """Return the command that makes the library from `unit.response_file`."""

    def response_file_content(self, objects: tuple[str, ...]) -> str:
        """Return the objects, one a line, quoted as the linker driver expects."""

    def shell_line(self, command: tuple[str, ...]) -> str:
        """Return the command as ninja on this platform takes it."""
