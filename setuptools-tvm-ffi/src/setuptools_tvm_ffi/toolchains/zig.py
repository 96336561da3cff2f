# SPDX-License-Identifier: Apache-2.0
"""Command lines for Zig's C and C++ compilers, which build for other platforms.

Zig contains Clang, linkers, and the headers and libraries of every platform
(https://ziglang.org/download/0.17.0/release-notes.html). The compilers accept Clang's flags. The
linkers lack some options of GNU ld. Comments in this module name these options.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from ..base.errors import ConfigurationError
from ..binaries import local_symbols
from ..ffi.sdk import TVMFFISdk
from ..settings.model import ExtensionSettings
from .gnu import GnuToolchain
from .protocols import LinkUnit, StaticPart, library_filename

#: The name of a header for Windows. The header defines `posix_memalign`, because a header of
#: apache-tvm-ffi calls this function and Windows lacks it.
WINDOWS_HEADER = "windows-stand-ins.h"

_DRIVERS = {"c": "cc", "cxx": "c++", "asm": "cc"}
# Patterns for the operators new and delete. Zig links the C++ standard library statically, and
# exports these operators by default.
_NEW_AND_DELETE = ("_Zn[aw]*", "_Zd[al]*")
# A source with two functions. The functions run a library's exit handlers when the library is
# unloaded. When GCC links a library, GCC adds these functions from its start-up files and from the
# static part of glibc. Zig (0.17) does not add them. Without the functions, an exit handler would
# run after its library was unloaded, and the process would end with SIGSEGV. The priority 101 makes
# `unload` run after the library's other destructors. GCC's function also runs last.
_UNLOAD = "unload.c"
_UNLOAD_SOURCE = """\
extern void __cxa_finalize(void *);
extern int __cxa_atexit(void (*)(void *), void *, void *);
extern void *__dso_handle;
__attribute__((destructor(101))) static void unload(void) { __cxa_finalize(&__dso_handle); }
__attribute__((visibility("hidden"))) int atexit(void (*handler)(void)) {
  return __cxa_atexit((void (*)(void *))handler, 0, &__dso_handle);
}
"""
# Prefixes of options for optimisation and debug information, such as -O2 and -g.
_LEVELS = ("-O", "-g")


def driver_command(target: str, language: str) -> tuple[str, ...]:
    """Return the command that compiles a language for a target.

    The command contains the name ``zig``, not the path. The path would differ in each isolated
    environment, so each build would compile all objects again.

    >>> driver_command("aarch64-macos.11.0", "cxx")
    ('zig', 'c++', '-target', 'aarch64-macos.11.0')
    """
    return ("zig", _DRIVERS[language], "-target", target)


@dataclass(frozen=True)
class ZigToolchain(GnuToolchain):
    """Command lines for ``zig cc`` and ``zig c++``.

    :param llvm: the LLVM release from which Zig's C++ library comes.
    :param mingw: the mingw-w64 release from which Zig's start-up code for Windows comes.
    """

    llvm: str | None = None
    mingw: str | None = None

    def support_files(self) -> Mapping[str, str]:
        if self.system != "linux":
            # Zig's linkers (0.17) for macOS and Windows do not support lists of local symbols.
            return {}
        return {**super().support_files(), _UNLOAD: _UNLOAD_SOURCE}

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        windows = self.system == "windows" and settings.link_header and language != "asm"
        debug = settings.debug_symbols or self.project.build_type != "release"
        return (
            # By default, Zig (0.17) writes debug information, which contains absolute paths.
            *(() if debug else ("-g0",)),
            # Without optimisation, Zig enables the undefined behaviour sanitizer by default.
            "-fno-sanitize=undefined",
            *(("-include", WINDOWS_HEADER) if windows else ()),
            *super().compile_flags(settings, sdk, language),
        )

    def link_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, unit: LinkUnit, support_folder: str
    ) -> tuple[str, ...]:
        if self.system == "windows":
            imported = (replace(s, library=import_library(s.library)) for s in unit.siblings)
            unit = replace(unit, siblings=tuple(imported))
        # When Zig links, it compiles the C++ standard library with the optimisation level of the
        # link command. Use the same level for every link, so that Zig compiles the C++ standard
        # library only once.
        kept: dict[str, Any] = {
            name: tuple(f for f in getattr(self.environment, name) if not f.startswith(_LEVELS))
            for name in ("cflags", "cxxflags")
        }
        without_levels = replace(self, environment=replace(self.environment, **kept))
        gnu = GnuToolchain.link_flags(without_levels, settings, sdk, unit, support_folder)
        return ("-Os", *gnu)

    def link_command(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        command = super().link_command(flags, unit)
        if self.system != "windows":
            return command
        # Name the import library, because Zig would derive the name from the first object.
        return (*command, f"-Wl,--out-implib,{import_library(unit.library)}")

    def library_path_question(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        del flags, unit  # Zig (0.17) ignores -print-search-dirs: the command would start a link.
        return ()

    def static_parts(self, languages: AbstractSet[str]) -> tuple[StaticPart, ...]:
        version = next(iter(self.compilers.values())).version.rpartition(" ")[2]
        parts: list[StaticPart] = [("compiler_rt", version, "Zig")]
        if "cxx" in languages:
            # On macOS, libunwind is part of the system, so it is not linked statically.
            names = ("libc++", "libc++abi", *(() if self.system == "darwin" else ("libunwind",)))
            parts += [(name, self.llvm, "LLVM Project") for name in names]
        if self.system == "windows":
            parts.append(("mingw-w64", self.mingw, "mingw-w64"))
        return tuple(parts)

    def _kind(self, settings: ExtensionSettings, support_folder: str) -> tuple[str, ...]:
        if self.system == "darwin":
            # The last flag reserves space for longer install names, which repair tools may write.
            filename = library_filename(self.system, settings.target)
            return (
                *("-dynamiclib", f"-Wl,-install_name,@rpath/{filename}"),
                "-Wl,-headerpad_max_install_names",
            )
        if self.system == "windows":
            return ("-shared",)
        # The last argument is a source file, which Zig compiles before the link.
        return (*super()._kind(settings, support_folder), f"{support_folder}/{_UNLOAD}")

    def _excluded_libs(self, settings: ExtensionSettings) -> tuple[str, ...]:
        del settings  # Zig's linkers (0.17) do not support --exclude-libs.
        return ()

    def _symbol_list_content(self, hidden: tuple[str, ...]) -> str:
        return local_symbols.version_script((*_NEW_AND_DELETE, *hidden))

    def _run_paths(self, unit: LinkUnit) -> tuple[str, ...]:
        return () if self.system == "windows" else super()._run_paths(unit)


def import_library(library: str) -> str:
    """Return the path of the import library of a DLL.

    >>> import_library("build/pkg.ops/ops.dll")
    'build/pkg.ops/ops.lib'
    """
    return f"{library.rpartition('.')[0]}.lib"


def check_settings(settings: ExtensionSettings, system: str) -> None:
    """Reject settings that do not work with Zig (0.17).

    :raises ConfigurationError: a setting is not supported. The message names the setting.
    """
    if settings.cuda_toolkit:
        raise ConfigurationError(
            f"{settings.place('cuda_toolkit')}: Zig cannot use this machine's CUDA toolkit for "
            "another platform",
            hint="remove cuda-toolkit, or build this wheel on the target platform",
        )
    if settings.exclude_libs and settings.archives:
        raise ConfigurationError(
            f"{settings.place('exclude_libs')}: Zig's linkers cannot hide the "
            f"symbols of {', '.join(settings.archives)}",
            hint="add the archive's sources to 'sources', or set exclude-libs to false",
        )
    if settings.pkg_config:
        raise ConfigurationError(
            f"{settings.place('pkg_config')}: pkg-config finds the libraries of this machine, not "
            "the libraries of the target",
            hint="build this wheel on the target platform, or add the sources of the library to "
            "'sources'",
        )
    if settings.debug_symbols and system != "linux":
        name = {"darwin": "macOS", "windows": "Windows"}[system]
        raise ConfigurationError(
            f"{settings.place('debug_symbols')}: Zig cannot write debug symbols to a separate "
            f"file for {name}",
            hint="remove debug-symbols for this target",
        )
