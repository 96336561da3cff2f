# SPDX-License-Identifier: Apache-2.0
"""GCC and Clang, on Linux and on macOS."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from ..extension import ExtensionSettings
from ..tvm_ffi_sdk import TVMFFISdk
from . import local_symbols
from .model import Compiler, CompileUnit, EnvironmentFlags, LinkUnit, library_filename

#: What exported symbols need to carry their type schema and documentation.
METADATA_MACRO = "TVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1"

# The names that the first compilers to have a standard gave it; the last ones still take them.
_C_STANDARD = {"11": "c11", "17": "c17", "23": "c2x"}
_CXX_STANDARD = {"17": "c++17", "20": "c++20", "23": "c++2b", "26": "c++2c"}


@dataclass(frozen=True)
class GnuToolchain:
    """Command lines for drivers that take GCC's arguments.

    :param system: ``linux`` (any ELF platform) or ``darwin``.
    :param root: the project's folder, absolute; it is mapped to ``.`` in what is compiled.
    """

    compilers: Mapping[str, Compiler]
    system: str
    root: str
    environment: EnvironmentFlags

    @property
    def dependency_style(self) -> str:
        return "gcc"

    @property
    def object_suffix(self) -> str:
        return ".o"

    def support_files(self) -> Mapping[str, str]:
        if self.system == "darwin":
            return {"unexported-symbols.txt": local_symbols.unexported_symbols_list()}
        return {"local-symbols.map": local_symbols.version_script()}

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        cxx = language == "cxx"
        unique = cxx and self.compilers[language].family == "gcc"
        return (
            f"-std={_CXX_STANDARD[settings.cxx_std] if cxx else _C_STANDARD[settings.c_std]}",
            # -pipe: the assembler runs beside the compiler, which is 2 or 3 % of the time.
            *("-O3", "-DNDEBUG", "-fPIC", "-pipe", "-fvisibility=hidden"),
            *(("-fvisibility-inlines-hidden",) if cxx else ()),
            # libstdc++'s unique symbols ignore visibility, and two libraries that share one
            # bind to each other. Clang never makes any and does not know the option.
            *(("-fno-gnu-unique",) if unique else ()),
            *self._platform(),
            *self._prefix_maps(sdk),
            f"-D{METADATA_MACRO}",
            *(
                f"-D{name}" if value is None else f"-D{name}={value}"
                for name, value in settings.define_macros
            ),
            *(f"-U{name}" for name in settings.undef_macros),
            *(f"-I{folder}" for folder in settings.include_dirs),
            # As system headers: the project's warning flags are about the project.
            *(word for folder in sdk.include_dirs for word in ("-isystem", folder)),
            *self.environment.cppflags,
            *self.environment.for_language(language),
            *settings.args_for(language),
        )

    def compile_command(self, flags: tuple[str, ...], unit: CompileUnit) -> tuple[str, ...]:
        return (
            *self.compilers[unit.language].command,
            *flags,
            *("-MD", "-MQ", unit.object, "-MF", unit.depfile),
            *("-c", unit.source, "-o", unit.object),
        )

    def link_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str, support_folder: str
    ) -> tuple[str, ...]:
        filename = library_filename(self.system, settings.target)
        kind: tuple[str, ...]
        if self.system == "darwin":
            kind = (
                "-dynamiclib",
                f"-Wl,-install_name,@rpath/{filename}",
                f"-Wl,-unexported_symbols_list,{support_folder}/unexported-symbols.txt",
            )
        else:
            kind = (
                "-shared",
                f"-Wl,-soname,{filename}",
                # macOS and Windows allow no undefined symbol anyway.
                "-Wl,-z,defs",
                f"-Wl,--version-script={support_folder}/local-symbols.map",
            )
        return (
            *kind,
            *self._platform(),
            *self.environment.for_language(language),
            *self.environment.ldflags,
            *(f"-L{folder}" for folder in settings.library_dirs),
            *(f"-l{library}" for library in settings.libraries),
            f"-L{sdk.library_dir}",
            "-ltvm_ffi",
            *settings.link_args,
        )

    def link_command(self, flags: tuple[str, ...], unit: LinkUnit) -> tuple[str, ...]:
        return (
            *self.compilers[unit.language].command,
            # Before the libraries: an archive is searched for what is undefined so far.
            *("-o", unit.library, f"@{unit.response_file}"),
            *flags,
        )

    def response_file_content(self, objects: tuple[str, ...]) -> str:
        # The driver takes a backslash before any character as that character.
        return "\n".join(
            "".join(f"\\{c}" if c in " \\'\"\t" else c for c in name) for name in objects
        )

    def shell_line(self, command: tuple[str, ...]) -> str:
        return shlex.join(command)

    def _platform(self) -> tuple[str, ...]:
        if self.system != "darwin":
            return ()
        target = self.environment.deployment_target
        return (
            *self.environment.archflags,
            *((f"-mmacosx-version-min={target}",) if target else ()),
        )

    def _prefix_maps(self, sdk: TVMFFISdk) -> tuple[str, ...]:
        """Keep the build folder out of debug information and of ``__FILE__`` in error traces."""
        maps = [f"-ffile-prefix-map={folder}/=" for folder in sdk.include_dirs]
        if "=" not in self.root:  # the option has no way to quote one
            maps.insert(0, f"-ffile-prefix-map={self.root}=.")
        return tuple(maps)
