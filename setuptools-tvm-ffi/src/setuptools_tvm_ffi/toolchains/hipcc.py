# SPDX-License-Identifier: Apache-2.0
"""Command lines for AMD's hipcc on Linux. hipcc is a Clang that compiles host and GPU code."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import ClassVar

from ..ffi.sdk import TVMFFISdk
from ..settings.model import ExtensionSettings, ProjectSettings
from . import gnu
from .protocols import Compiler, CompileUnit, EnvironmentFlags, StaticPart

#: The default architectures: one for each family of GPUs. ROCm 6.0 and newer support these
#: architectures. Without architectures, hipcc would query the GPUs of this machine.
DEFAULT_ARCHITECTURES = ("gfx908", "gfx90a", "gfx942", "gfx1030", "gfx1100")


@dataclass(frozen=True)
class HipccCompiler:
    """Command lines for hipcc.

    :param compiler: the program hipcc.
    :param rocm: the folder of ROCm.
    :param root: the absolute path of the project's folder.
    """

    dependency_style: ClassVar = "gcc"
    include_dirs: ClassVar[tuple[str, ...]] = ()
    library_dirs: ClassVar[tuple[str, ...]] = ()

    compiler: Compiler
    rocm: str
    root: str
    environment: EnvironmentFlags
    project: ProjectSettings = field(default_factory=ProjectSettings)

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        speed = gnu.optimisation(self.project.build_type)
        targets = settings.hip_architectures or DEFAULT_ARCHITECTURES
        return (
            *("-x", "hip", f"-std={gnu.CXX_STANDARD[settings.hip_std]}"),
            *speed,
            *(("-g",) if settings.debug_symbols and "-g" not in speed else ()),
            *(f"--offload-arch={target}" for target in dict.fromkeys(targets)),
            *("-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden"),
            *(("-Werror",) if self.project.warnings_as_errors else ()),
            *gnu.prefix_maps(settings, sdk, self.root),
            *gnu.definitions(settings),
            *gnu.system_includes(settings, sdk),
            *self.environment.for_language(language),
            *settings.extra_compile_args.of(language),
        )

    def compile_command(self, flags: tuple[str, ...], unit: CompileUnit) -> tuple[str, ...]:
        return (
            *self.compiler.launcher,
            *self.compiler.command,
            *flags,
            # Set the ID of the source. The names of local symbols contain this ID. By default,
            # hipcc computes the ID from the absolute path of the source.
            f"-cuid={unit.source}",
            *("-MD", "-MQ", unit.object, "-MF", unit.depfile),
            *(word for source in unit.joined for word in ("-include", source)),
            *("-c", unit.source, "-o", unit.object),
        )

    def include_path_question(self, flags: tuple[str, ...], language: str) -> tuple[str, ...]:
        del language  # `flags` contain the option that selects the language.
        return (*self.compiler.command, *flags, "--cuda-host-only", "-E", "-v", os.devnull)

    def parallel_parts(self, flags: tuple[str, ...]) -> int:
        del flags
        return 1

    def linker_name(self, library: str) -> str:
        return library

    def device_link_command(
        self,
        settings: ExtensionSettings,
        flags: tuple[str, ...],
        objects: tuple[str, ...],
        output: str,
    ) -> tuple[str, ...]:
        del settings, flags, objects, output  # hipcc links device code when it compiles.
        return ()

    def link_flags(self, settings: ExtensionSettings) -> tuple[str, ...]:
        del settings  # HIP has only one kind of runtime, so no setting selects the kind.
        return (f"-L{self.rocm}/lib", "-lamdhip64")

    def static_parts(self, settings: ExtensionSettings) -> tuple[StaticPart, ...]:
        del settings  # HIP's runtime is a shared library.
        return ()

    def notice(self, settings: ExtensionSettings) -> str | None:
        if settings.hip_architectures:
            return None
        return f"HIP architectures: {';'.join(DEFAULT_ARCHITECTURES)}, by default"
