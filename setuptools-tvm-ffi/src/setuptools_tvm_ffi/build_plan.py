# SPDX-License-Identifier: Apache-2.0
"""The build plan: sources → objects → library as data, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from .extension import ExtensionSettings
from .sources import language_of
from .toolchains import CompileUnit, LinkUnit, Toolchain, library_filename
from .tvm_ffi_sdk import TVMFFISdk


@dataclass(frozen=True)
class Step:
    """One command: what it reads, what it makes, and how ninja announces it."""

    kind: str  #: ``compile`` or ``link``
    inputs: tuple[str, ...]
    output: str
    command: str
    description: str
    extra_inputs: tuple[str, ...] = ()  #: depended on, not on the command line
    depfile: str | None = None
    response_file: str | None = None
    response_file_content: str = ""


@dataclass(frozen=True)
class LibraryPlan:
    """Everything that makes one library; `arguments` are those of each tool, by language."""

    settings: ExtensionSettings
    library: str
    steps: tuple[Step, ...]
    arguments: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class BuildPlan:
    """All libraries of a distribution. Paths are relative to the project's root."""

    folder: str
    dependency_style: str
    libraries: tuple[LibraryPlan, ...]
    support_files: Mapping[str, str] = field(default_factory=dict)


def make_plan(
    extensions: Sequence[tuple[ExtensionSettings, Sequence[PurePosixPath]]],
    toolchain: Toolchain,
    sdk: TVMFFISdk,
    folder: PurePosixPath,
) -> BuildPlan:
    """Return the plan for `extensions`, each with its source files, below `folder`."""
    identity = "".join(
        f"{language}: {compiler.version}\n"
        for language, compiler in sorted(toolchain.compilers.items())
    )
    # A compiler that was upgraded in place has the same command line; this file differs.
    stamp = f"{folder}/compilers.txt"
    support = {f"{folder}/{name}": text for name, text in toolchain.support_files().items()}
    libraries = tuple(
        _library_plan(settings, sources, toolchain, sdk, folder, stamp, tuple(support))
        for settings, sources in extensions
    )
    return BuildPlan(
        folder=str(folder),
        dependency_style=toolchain.dependency_style,
        libraries=libraries,
        support_files={**support, stamp: identity},
    )


def _library_plan(
    settings: ExtensionSettings,
    sources: Sequence[PurePosixPath],
    toolchain: Toolchain,
    sdk: TVMFFISdk,
    folder: PurePosixPath,
    stamp: str,
    link_inputs: tuple[str, ...],
) -> LibraryPlan:
    own_folder = folder / settings.name
    languages = {language_of(source) for source in sources}
    arguments = {
        language: toolchain.compile_flags(settings, sdk, language) for language in sorted(languages)
    }
    steps = []
    for source in sources:
        language = language_of(source)
        obj = f"{own_folder / 'objects' / source}{toolchain.object_suffix}"
        unit = CompileUnit(str(source), language, obj, f"{obj}.d")
        steps.append(
            Step(
                kind="compile",
                inputs=(unit.source,),
                output=unit.object,
                command=toolchain.shell_line(toolchain.compile_command(arguments[language], unit)),
                description=f"compile {source}",
                extra_inputs=(stamp, *settings.depends),
                depfile=unit.depfile,
            )
        )
    language = "cxx" if "cxx" in languages else "c"
    arguments["link"] = toolchain.link_flags(settings, sdk, language, str(folder))
    library = f"{own_folder / library_filename(toolchain.system, settings.target)}"
    objects = tuple(step.output for step in steps)
    linked = LinkUnit(objects, language, library, f"{library}.rsp")
    steps.append(
        Step(
            kind="link",
            inputs=objects,
            output=library,
            command=toolchain.shell_line(toolchain.link_command(arguments["link"], linked)),
            description=f"link {PurePosixPath(library).name}",
            extra_inputs=(*link_inputs, f"{sdk.library_dir}/{sdk.library}"),
            response_file=linked.response_file,
            response_file_content=toolchain.response_file_content(objects),
        )
    )
    return LibraryPlan(settings, library, tuple(steps), arguments)
