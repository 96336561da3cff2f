# SPDX-License-Identifier: Apache-2.0
"""Microsoft's ``cl`` and ``link``."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from ..extension import ExtensionSettings
from ..tvm_ffi_sdk import TVMFFISdk
from .gnu import METADATA_MACRO
from .model import Compiler, CompileUnit, EnvironmentFlags, LinkUnit

# What upstream's CMake helper (`tvm_ffi_add_msvc_flags`) defines.
_DEFINITIONS = (
    "WIN32_LEAN_AND_MEAN",
    "_CRT_SECURE_NO_WARNINGS",
    "_SCL_SECURE_NO_WARNINGS",
    "_ENABLE_EXTENDED_ALIGNED_STORAGE",
    "NOMINMAX",
)

_CXX_STANDARD = {"17": "/std:c++17", "20": "/std:c++20"}
_C_STANDARD = {"11": "/std:c11", "17": "/std:c17"}


@dataclass(frozen=True)
class MsvcToolchain:
    """Command lines for Microsoft's compiler and linker.

    :param linker: the path of ``link.exe``; another program has that name in a Unix shell.
    """

    compilers: Mapping[str, Compiler]
    linker: str
    environment: EnvironmentFlags

    @property
    def system(self) -> str:
        return "windows"

    @property
    def dependency_style(self) -> str:
        return "msvc"

    @property
    def object_suffix(self) -> str:
        return ".obj"

    def support_files(self) -> Mapping[str, str]:
        return {}

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        cxx = language == "cxx"
        if cxx:
            standard = _CXX_STANDARD.get(settings.cxx_std, "/std:c++latest")
        else:
            standard = _C_STANDARD.get(settings.c_std, "/std:clatest")
        return (
            *("/nologo", "/utf-8", standard),
            *(("/EHsc", "/Zc:__cplusplus") if cxx else ()),
            # Reflection instantiates more sections than an object holds by default (C1128).
            *("/O2", "/MD", "/bigobj", "/Zc:inline", "/DNDEBUG"),
            *(f"/D{definition}" for definition in _DEFINITIONS),
            f"/D{METADATA_MACRO}",
            *(
                f"/D{name}" if value is None else f"/D{name}={value}"
                for name, value in settings.define_macros
            ),
            *(f"/U{name}" for name in settings.undef_macros),
            *(f"/I{folder}" for folder in (*settings.include_dirs, *sdk.include_dirs)),
            *self.environment.cppflags,
            *self.environment.for_language(language),
            *settings.args_for(language),
        )

    def compile_command(self, flags: tuple[str, ...], unit: CompileUnit) -> tuple[str, ...]:
        return (
            *self.compilers[unit.language].command,
            *flags,
            *("/showIncludes", "/c"),
            f"{'/Tp' if unit.language == 'cxx' else '/Tc'}{unit.source}",
            f"/Fo{unit.object}",
        )

    def link_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str, support_folder: str
    ) -> tuple[str, ...]:
        del language, support_folder  # one linker, and nothing is exported unasked
        return (
            *("/nologo", "/DLL", "/INCREMENTAL:NO"),
            # A time stamp in the header would make every build another file.
            "/Brepro",
            *self.environment.ldflags,
            *(f"/LIBPATH:{folder}" for folder in settings.library_dirs),
            *(f"{library}.lib" for library in settings.libraries),
            f"{sdk.library_dir}/{sdk.library}",
            *settings.link_args,
        )

    def link_command(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        return (
            self.linker,
            f"/OUT:{unit.library}",
            f"/IMPLIB:{unit.library.rpartition('.')[0]}.lib",
            f"@{unit.response_file}",
            *flags,
        )

    def response_file_content(self, objects: tuple[str, ...]) -> str:
        return "\n".join(f'"{name}"' for name in objects)

    def shell_line(self, command: tuple[str, ...]) -> str:
        # ninja on Windows starts programs without a shell.
        return subprocess.list2cmdline(command)
