# SPDX-License-Identifier: Apache-2.0
"""AMD's hipcc, which is a Clang for the host and for the GPU, on Linux."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..ffi.sdk import TVMFFISdk
from ..settings.model import ExtensionSettings, ProjectSettings
from . import gnu
from .model import Compiler, CompileUnit, EnvironmentFlags, StaticPart

#: What is compiled for where nothing is declared: of each family that ROCm supports, from 6.0 on,
#: one that all its releases know. Without any, hipcc would ask for the GPUs of this machine.
DEFAULT_ARCHITECTURES = ("gfx908", "gfx90a", "gfx942", "gfx1030", "gfx1100")


@dataclass(frozen=True)
class HipccCompiler:
    """Command lines for hipcc.

    :param compiler: hipcc.
    :param rocm: ROCm's folder.
    :param root: the project's folder, absolute.
    """

    compiler: Compiler
    rocm: str
    root: str
    environment: EnvironmentFlags
    project: ProjectSettings = field(default_factory=ProjectSettings)

    @property
    def dependency_style(self) -> str:
        return "gcc"

    @property
    def stand_ins(self) -> tuple[str, ...]:
        return ()

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
            # Goes into the names of what is local to a source; by default Clang hashes the
            # source's absolute path.
            f"-cuid={unit.source}",
            *("-MD", "-MQ", unit.object, "-MF", unit.depfile),
            *("-c", unit.source, "-o", unit.object),
        )

    def link_flags(self, settings: ExtensionSettings) -> tuple[str, ...]:
        del settings  # there is one HIP runtime, and it is shared
        return (f"-L{self.rocm}/lib", "-lamdhip64")

    def static_parts(self, settings: ExtensionSettings) -> tuple[StaticPart, ...]:
        del settings  # the runtime is shared
        return ()

    def notice(self, settings: ExtensionSettings) -> str | None:
        if settings.hip_architectures:
            return None
        return f"HIP architectures: {';'.join(DEFAULT_ARCHITECTURES)}, by default"
