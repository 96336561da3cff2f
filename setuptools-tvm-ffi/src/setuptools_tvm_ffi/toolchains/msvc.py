# SPDX-License-Identifier: Apache-2.0
"""Command lines for Microsoft's ``cl`` and ``link``, and for Clang's ``clang-cl``."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import PureWindowsPath
from typing import ClassVar

from ..base.errors import ConfigurationError
from ..ffi.sdk import TVMFFISdk
from ..settings.model import SANITIZERS, ExtensionSettings, ProjectSettings
from .gnu import prefix_maps, preprocessor_flags
from .protocols import (
    Companion,
    Compiler,
    CompileUnit,
    DeviceCompiler,
    EnvironmentFlags,
    HeaderUnit,
    LinkUnit,
    Precompilation,
    StaticPart,
    linked_devices,
    toolkit_includes,
)

#: The macros that TVM-FFI's CMake function `tvm_ffi_add_msvc_flags` defines.
DEFINITIONS = (
    "WIN32_LEAN_AND_MEAN",
    "_CRT_SECURE_NO_WARNINGS",
    "_SCL_SECURE_NO_WARNINGS",
    "_ENABLE_EXTENDED_ALIGNED_STORAGE",
    "NOMINMAX",
)

_CXX_STANDARD = {"17": "/std:c++17", "20": "/std:c++20"}
_C_STANDARD = {"11": "/std:c11", "17": "/std:c17"}

# apache-tvm-ffi uses the release runtime (/MD). A library exchanges objects with apache-tvm-ffi, so
# the library must use the release runtime, too, even in a debug build.
_OPTIMISATION = {
    "release": ("/O2", "/DNDEBUG"),
    "debug": ("/Od",),
    "release-debug-info": ("/O2", "/DNDEBUG"),
}


def optimisation(build_type: str, *, clang: bool = False) -> tuple[str, ...]:
    """Return the compile flags of a build type.

    >>> optimisation("release")
    ('/O2', '/DNDEBUG')
    """
    if build_type in SANITIZERS:
        return ("/O1", f"{'-' if clang else '/'}fsanitize={SANITIZERS[build_type]}")
    return _OPTIMISATION[build_type]


@dataclass(frozen=True)
class MsvcToolchain:
    """Command lines for Microsoft's compiler and linker, and for LLVM's compatible programs.

    :param linker: the path of ``link.exe`` or ``lld-link``. The path is necessary, because in a
        Unix shell for Windows, ``link`` is the name of another program.
    :param root: the absolute path of the project's folder.
    """

    system: ClassVar = "windows"
    object_suffix: ClassVar = ".obj"

    compilers: Mapping[str, Compiler]
    linker: str
    environment: EnvironmentFlags
    root: str = "."
    project: ProjectSettings = field(default_factory=ProjectSettings)
    devices: Mapping[str, DeviceCompiler] = field(default_factory=dict)

    @property
    def dependency_style(self) -> str:
        clang = any(compiler.family == "clang-cl" for compiler in self.compilers.values())
        return "gcc" if clang else "msvc"

    def support_files(self) -> Mapping[str, str]:
        return {}

    def needs_cxx(self, settings: ExtensionSettings) -> bool:
        # The linker needs no option for the C++ runtime: objects contain the names of the runtime
        # libraries that they need.
        del settings
        return False

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        if language == "asm":
            raise ConfigurationError(
                f"{settings.place('sources')}: assembly cannot be compiled with Microsoft's "
                "compiler or clang-cl, and the plugin does not support ml64",
                hint="in setup.py, remove the .S and .s files from the extension on Windows",
            )
        cxx = language == "cxx"
        clang = self.compilers[language].family == "clang-cl"
        if cxx:
            standard = _CXX_STANDARD.get(settings.cxx_std, "/std:c++latest")
        else:
            standard = _C_STANDARD.get(settings.c_std, "/std:clatest")
        return (
            *("/nologo", "/utf-8", standard),
            *(("/EHsc", "/Zc:__cplusplus") if cxx else ()),
            *optimisation(self.project.build_type, clang=clang),
            # /Z7 writes debug information into each object. With /Zi, a server process would write
            # the debug information of all objects to one file.
            *(("/Z7",) if self._has_debug_information(settings) else ()),
            *self._link_time_optimisation(clang=clang),
            *(("/WX",) if self.project.warnings_as_errors else ()),
            "/MD",
            # Code with TVM-FFI's reflection can exceed the default limit for the number of sections
            # in an object (error C1128). /bigobj raises the limit.
            *(("/bigobj", "/Zc:inline") if settings.msvc_flags else ()),
            *self._path_maps(settings, sdk, clang=clang),
            *(f"/D{definition}" for definition in DEFINITIONS if settings.msvc_flags),
            *(f"/{flag[1:]}" for flag in preprocessor_flags(settings)),
            *(f"/I{folder}" for folder in sdk.include_dirs if settings.link_header),
            *self._system_includes(settings),
            *(f"/I{folder}" for folder in toolkit_includes(settings, self.devices)),
            *self.environment.cppflags,
            *self.environment.for_language(language),
            *settings.extra_compile_args.of(language),
        )

    def compile_command(self, flags: tuple[str, ...], unit: CompileUnit) -> tuple[str, ...]:
        compiler = self.compilers[unit.language]
        header = self._absolute(unit.header)
        return (
            *compiler.launcher,
            *compiler.command,
            *flags,
            *self._dependencies(unit.language, unit.depfile),
            *((f"/Yu{header}", f"/Fp{unit.precompiled}") if unit.precompiled else ()),
            *((f"/FI{header}",) if unit.header else ()),
            *(f"/FI{self._absolute(source)}" for source in unit.joined),
            "/c",
            f"{'/Tp' if unit.language == 'cxx' else '/Tc'}{unit.source}",
            f"/Fo{unit.object}",
        )

    def precompile(self, flags: tuple[str, ...], unit: HeaderUnit) -> Precompilation | None:
        compiler = self.compilers[unit.language]
        header = self._absolute(unit.header)
        output, obj = f"{unit.header}.pch", f"{unit.header}{self.object_suffix}"
        command = (
            *compiler.launcher,
            *compiler.command,
            *flags,
            *self._dependencies(unit.language, unit.depfile),
            # By default, clang-cl rejects a precompiled header if the modification time of an
            # included header has changed. The build compares contents, so this check is not needed.
            *(("-Xclang", "-fno-pch-timestamp") if compiler.family == "clang-cl" else ()),
            *(f"/Yc{header}", f"/Fp{output}", f"/FI{header}", "/c"),
            f"{'/Tp' if unit.language == 'cxx' else '/Tc'}{unit.source}",
            f"/Fo{obj}",
        )
        return Precompilation(command, output, obj)

    def _absolute(self, path: str) -> str:
        """Return the absolute path of a file for /FI, which does not search the working folder."""
        return str(PureWindowsPath(self.root, path))

    def _dependencies(self, language: str, depfile: str) -> tuple[str, ...]:
        # Since Visual Studio 2019 version 16.7, cl supports /sourceDependencies. clang-cl does not
        # support this option.
        if self.compilers[language].family == "clang-cl":
            return tuple(f"/clang:{word}" for word in ("-MD", f"-MF{depfile}"))
        return ("/sourceDependencies", depfile)

    def include_path_question(self, flags: tuple[str, ...], language: str) -> tuple[str, ...]:
        del flags, language
        return ()

    def link_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, unit: LinkUnit, support_folder: str
    ) -> tuple[str, ...]:
        del support_folder  # Windows needs no support files.
        siblings = {sibling.target: _import_library(sibling.library) for sibling in unit.siblings}
        debug = self._has_debug_information(settings)
        clang = self.compilers[unit.driver].family == "clang-cl"
        return (
            *("/nologo", "/DLL", "/INCREMENTAL:NO"),
            # Without /Brepro, the header of the DLL contains the time of the build.
            "/Brepro",
            # /DEBUG disables /OPT:REF and /OPT:ICF, unless the command contains them. /PDBALTPATH
            # replaces the PDB's absolute path in the library with the PDB's name. A debugger then
            # searches the library's folder for the PDB.
            *(("/DEBUG", "/OPT:REF", "/OPT:ICF", "/PDBALTPATH:%_PDB%") if debug else ()),
            *((f"/PDB:{_debug_file(unit)}",) if debug else ()),
            *(("/LTCG",) if self.project.lto and not clang else ()),
            *self.environment.ldflags,
            *settings.extra_objects,
            *(f"/LIBPATH:{folder}" for folder in settings.library_dirs),
            *(siblings.get(name, f"{name}.lib") for name in settings.libraries),
            *(
                flag
                for device in linked_devices(settings, unit.languages, self.devices)
                for flag in device.link_flags(settings)
            ),
            *((f"{sdk.library_dir}/{sdk.library}",) if settings.link_shared else ()),
            *settings.extra_link_args,
        )

    def link_command(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        return (
            self.linker,
            f"/OUT:{unit.library}",
            f"/IMPLIB:{_import_library(unit.library)}",
            f"@{unit.response_file}",
            *flags,
        )

    def library_path_question(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        del flags, unit
        return ()

    def static_parts(self, languages: AbstractSet[str]) -> tuple[StaticPart, ...]:
        del languages  # With /MD, the library uses the shared runtime libraries.
        return ()

    def companion(self, settings: ExtensionSettings, unit: LinkUnit) -> Companion | None:
        return Companion((_debug_file(unit),)) if settings.debug_symbols else None

    def response_file_content(self, objects: tuple[str, ...]) -> str:
        return "\n".join(f'"{name}"' for name in objects)

    def shell_line(self, command: tuple[str, ...]) -> str:
        # On Windows, ninja does not use a shell.
        return subprocess.list2cmdline(command)

    def _path_maps(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, *, clang: bool
    ) -> tuple[str, ...]:
        """Return flags that replace the project's folder in debug information and in `__FILE__`.

        cl (19.38) supports `/pathmap` only with `/experimental:deterministic`. With
        `/experimental:deterministic`, cl warns about every absolute path in `__FILE__` (C5049),
        even if `/pathmap` replaces the path. The flags therefore disable this warning.
        """
        if clang:
            return tuple(f"/clang:{option}" for option in prefix_maps(settings, sdk, self.root))
        if not settings.prefix_map:
            return ()
        return ("/experimental:deterministic", f"/pathmap:{self.root}=.", "/wd5049")

    def _system_includes(self, settings: ExtensionSettings) -> tuple[str, ...]:
        folders = (*settings.system_include_dirs, *settings.include_from)
        flags = tuple(f"/external:I{folder}" for folder in folders)
        return (*flags, "/external:W0") if flags else ()

    def _has_debug_information(self, settings: ExtensionSettings) -> bool:
        return settings.debug_symbols or self.project.build_type != "release"

    def _link_time_optimisation(self, *, clang: bool) -> tuple[str, ...]:
        if not self.project.lto:
            return ()
        return ("-flto=thin",) if clang else ("/GL",)


def _import_library(library: str) -> str:
    return f"{library.rpartition('.')[0]}.lib"


def _debug_file(unit: LinkUnit) -> str:
    return f"{unit.library.rpartition('.')[0]}.pdb"
