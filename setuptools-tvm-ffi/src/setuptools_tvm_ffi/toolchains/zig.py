# SPDX-License-Identifier: Apache-2.0
"""Zig's C and C++ compilers, which build for other platforms than the one they run on.

They are Clang, with headers and libraries of every platform and linkers of their own:
https://ziglang.org/download/0.17.0/release-notes.html. What is taken from Zig is what Clang
documents; where its linkers take fewer options than GNU ld does, it is said here.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from ..base.errors import ConfigurationError
from ..binaries import local_symbols
from ..ffi.sdk import TVMFFISdk
from ..settings.model import ExtensionSettings
from .gnu import GnuToolchain
from .model import Companion, LinkUnit, StaticPart, library_filename

#: Declares what Windows lacks of what the headers of apache-tvm-ffi call; it lies beside those.
WINDOWS_HEADER = "windows-stand-ins.h"

_DRIVERS = {"c": "cc", "cxx": "c++"}
# Zig puts the C++ library into what it links, and with it operators that everybody may see.
_NEW_AND_DELETE = ("_Zn[aw]*", "_Zd[al]*")


def driver_command(target: str, language: str) -> tuple[str, ...]:
    """Return how the compiler of a language is started, ``zig`` being on PATH.

    A full path would differ in each isolated environment, and have everything compiled anew.

    >>> driver_command("aarch64-macos.11.0", "cxx")
    ('zig', 'c++', '-target', 'aarch64-macos.11.0')
    """
    return ("zig", _DRIVERS[language], "-target", target)


@dataclass(frozen=True)
class ZigToolchain(GnuToolchain):
    """Command lines for ``zig cc`` and ``zig c++``.

    :param llvm: the release that Zig's C++ library is of.
    :param mingw: that of what Windows' start-up code is of.
    """

    llvm: str | None = None
    mingw: str | None = None

    def support_files(self) -> Mapping[str, str]:
        if self.system != "linux":
            return {}  # Zig's linkers (0.17) take no list of symbols to leave out
        return {"local-symbols.map": local_symbols.version_script(_NEW_AND_DELETE)}

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        windows = self.system == "windows" and settings.link_header
        debug = settings.debug_symbols or self.project.build_type != "release"
        return (
            # Zig makes debug information unless told not to (0.17), with this machine's paths.
            *(() if debug else ("-g0",)),
            # Without optimisation it would look for undefined behaviour, and trap.
            "-fno-sanitize=undefined",
            *(("-include", WINDOWS_HEADER) if windows else ()),
            *super().compile_flags(settings, sdk, language),
        )

    def link_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, unit: LinkUnit, support_folder: str
    ) -> tuple[str, ...]:
        if self.system == "windows":
            imported = tuple(
                replace(sibling, library=import_library(sibling.library))
                for sibling in unit.siblings
            )
            unit = replace(unit, siblings=imported)
        # Zig compiles the C++ library as the link is optimised, once for each level.
        kept = replace(
            self.environment,
            cflags=_without_levels(self.environment.cflags),
            cxxflags=_without_levels(self.environment.cxxflags),
        )
        gnu = GnuToolchain.link_flags(
            replace(self, environment=kept), settings, sdk, unit, support_folder
        )
        return ("-Os", *gnu)

    def link_command(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        command = super().link_command(flags, unit)
        if self.system != "windows":
            return command
        # Zig would name it after the first object.
        return (*command, f"-Wl,--out-implib,{import_library(unit.library)}")

    def companion(self, settings: ExtensionSettings, unit: LinkUnit) -> Companion | None:
        del settings, unit  # neither dsymutil nor a PDB: `check_settings` says so
        return None

    def static_parts(self, languages: AbstractSet[str]) -> tuple[StaticPart, ...]:
        version = next(iter(self.compilers.values())).version.rpartition(" ")[2]
        parts: list[StaticPart] = [("compiler_rt", version, "Zig")]
        if "cxx" in languages:
            # macOS has the last of them.
            names = ("libc++", "libc++abi", *(() if self.system == "darwin" else ("libunwind",)))
            parts += [(name, self.llvm, "LLVM Project") for name in names]
        if self.system == "windows":
            parts.append(("mingw-w64", self.mingw, "mingw-w64"))
        return tuple(parts)

    def _kind(self, settings: ExtensionSettings, support_folder: str) -> tuple[str, ...]:
        filename = library_filename(self.system, settings.target)
        if self.system == "darwin":
            # Room for repair tools to write longer install names.
            return (
                "-dynamiclib",
                f"-Wl,-install_name,@rpath/{filename}",
                "-Wl,-headerpad_max_install_names",
            )
        if self.system == "windows":
            return ("-shared",)
        return (
            "-shared",
            f"-Wl,-soname,{filename}",
            "-Wl,-z,defs",
            f"-Wl,--version-script={support_folder}/local-symbols.map",
        )

    def _run_paths(self, unit: LinkUnit) -> tuple[str, ...]:
        return () if self.system == "windows" else super()._run_paths(unit)


def _without_levels(flags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(flag for flag in flags if not flag.startswith(("-O", "-g")))


def import_library(library: str) -> str:
    """Return the import library of a DLL, beside it.

    >>> import_library("build/pkg.ops/ops.dll")
    'build/pkg.ops/ops.lib'
    """
    return f"{library.rpartition('.')[0]}.lib"


def check_settings(settings: ExtensionSettings, system: str) -> None:
    """Refuse what a library asks for and Zig's linkers (0.17) do not do.

    :raises ConfigurationError: by key.
    """
    if settings.exclude_libs and settings.archives:
        raise ConfigurationError(
            f"{settings.place('exclude_libs')}: Zig's linkers cannot hide what "
            f"{', '.join(settings.archives)} defines",
            hint="compile the archive's sources with the others, or set exclude-libs to false",
        )
    if settings.debug_symbols and system != "linux":
        raise ConfigurationError(
            f"{settings.place('debug_symbols')}: Zig makes no debug information that is shipped "
            "beside a library",
            hint="leave it out for this target",
        )
