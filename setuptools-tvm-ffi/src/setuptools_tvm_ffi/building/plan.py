# SPDX-License-Identifier: Apache-2.0
"""The build plan: data that describes the steps from sources to objects to libraries."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from ..ffi.sdk import TVMFFISdk
from ..project.sources import NOTHING_GENERATED, Generated, language_of, languages_of, options_of
from ..settings.model import EmbedSettings, ExtensionSettings, SourceOptions
from ..settings.overrides import for_embedding, with_options
from ..toolchains import (
    Companion,
    CompileUnit,
    HeaderUnit,
    LanguageCompiler,
    LinkUnit,
    Sibling,
    Toolchain,
    library_filename,
)
from ..toolchains.embedding import assembly, check_architectures
from . import unity
from .precompiled_header import PrecompiledHeader, precompiled_header


@dataclass(frozen=True)
class Step:
    """One command with its inputs and outputs.

    :param kind: ``generate``, ``precompile``, ``compile``, ``device-link``, ``link`` or
        ``debug-symbols``.
    :param inputs: the sources, objects or library that the program reads.
    :param launcher: the command that starts the program, such as ``ccache``; empty if there is no
        launcher.
    :param program: the compiler or linker, with the arguments that are part of `CC` or `CXX`.
    :param version: the version of the program. If the program is a device compiler, the text
        contains the version of the device compiler and the version of the host compiler.
    :param description: the text that ninja prints for the command.
    :param question: a command that prints the folders that the program searches for headers or
        libraries; empty if no command prints them.
    :param on_this_machine: whether the command always runs on this machine. If the value is false,
        a launcher can run the command on another machine.
    :param parts: how many parts nvcc can compile in parallel: one for each architecture. For other
        programs, the value is 1.
    :param extra_inputs: inputs that the program reads but does not report.
    :param precompiled: the precompiled header that the program reads, or "".
    :param extra_outputs: files that the command writes in addition to `output`.
    :param dependency_style: the format in which the compiler reports headers: ``gcc`` or ``msvc``.
    :param depfile: the file in which the compiler reports headers, or ``None`` if the compiler
        reports no headers.
    :param declared_at: the place of the setting that declares the command, for messages; empty
        unless the kind is ``generate``.
    """

    kind: str
    inputs: tuple[str, ...]
    output: str
    program: tuple[str, ...]
    arguments: tuple[str, ...]
    description: str
    version: str = ""
    launcher: tuple[str, ...] = ()
    question: tuple[str, ...] = ()
    on_this_machine: bool = True
    parts: int = 1
    extra_inputs: tuple[str, ...] = ()
    precompiled: str = ""
    extra_outputs: tuple[str, ...] = ()
    dependency_style: str | None = None
    depfile: str | None = None
    response_file: str | None = None
    response_file_content: str = ""
    declared_at: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        """The launcher, the program and the arguments."""
        return (*self.launcher, *self.program, *self.arguments)

    @property
    def compiles_device_code(self) -> bool:
        """Whether the program is a device compiler, such as nvcc."""
        return self.kind == "compile" and self.on_this_machine

    def command_with(self, threads: int, *, colours: bool = False) -> tuple[str, ...]:
        """Return the command with arguments for threads and colours.

        `command` and the record of the step do not contain these arguments. The arguments depend on
        the machine, the other stale steps and the terminal, and do not change the output.

        :param threads: the maximum number of threads of nvcc.
        :param colours: whether GCC and Clang colour their messages. By default, GCC and Clang use
            no colours here, because ninja reads their output.
        """
        used = min(threads, self.parts)
        more = [f"--threads={used}"] if used > 1 else []
        if colours and self.dependency_style == "gcc" and not self.compiles_device_code:
            more.append("-fdiagnostics-color=always")
        return (*self.command, *more)


@dataclass(frozen=True)
class LibraryPlan:
    """The steps that build one library.

    :param arguments: the compiler flags of each language, and the linker flags under ``link``.
    :param units: for each source, the step that compiles the source alone and without precompiled
        headers. CUDA sources in the setting `embed` are included.
    :param support_files: the contents of files that the steps read.
    :param source_arguments: the compiler flags of each source that has flags of its own. The keys
        are the names of the sources in settings.
    :param companions: files that belong to the library, such as debug symbols. In the wheel, they
        are in the library's folder.
    :param siblings: the other libraries of the same distribution that must be loaded before this
        library, in the order of loading.
    """

    settings: ExtensionSettings
    library: str
    steps: tuple[Step, ...]
    arguments: Mapping[str, tuple[str, ...]]
    units: tuple[Step, ...] = ()
    support_files: Mapping[str, str] = field(default_factory=dict)
    source_arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    companions: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()


@dataclass(frozen=True)
class BuildPlan:
    """The plans of all libraries of a distribution. Paths are relative to the project's root.

    :param generate: steps that write sources and headers. A plan with such steps has no libraries.
    :param shell_line: a function that returns a command as one line, quoted for ninja.
    """

    folder: str
    libraries: tuple[LibraryPlan, ...] = ()
    generate: tuple[Step, ...] = ()
    support_files: Mapping[str, str] = field(default_factory=dict)
    shell_line: Callable[[tuple[str, ...]], str] = shlex.join

    @property
    def steps(self) -> list[Step]:
        """The steps of the commands that generate files, and of all libraries."""
        return [*self.generate, *(step for library in self.libraries for step in library.steps)]


def named(sources: Sequence[str]) -> str:
    """Return the name of a compile step for messages.

    >>> named(("a.cc",)), named(("a.cc", "b.cc", "c.cc"))
    ('a.cc', 'a.cc and 2 more')
    """
    return sources[0] if len(sources) == 1 else f"{sources[0]} and {len(sources) - 1} more"


def siblings_of(
    settings: ExtensionSettings, every: Sequence[ExtensionSettings]
) -> tuple[ExtensionSettings, ...]:
    """Return the extensions that an extension links with directly.

    :param every: all extensions of the distribution.
    """
    return tuple(
        other
        for name in settings.libraries
        for other in every
        if other.target == name and other is not settings
    )


def make_plan(
    extensions: Sequence[tuple[ExtensionSettings, Sequence[PurePosixPath]]],
    toolchain: Toolchain,
    sdk: TVMFFISdk,
    folder: PurePosixPath,
    generated: Generated = NOTHING_GENERATED,
) -> BuildPlan:
    """Return the plan that builds `extensions` in `folder`.

    :param extensions: for each extension, the settings and the source files.
    :param folder: the folder of the objects and libraries, relative to the project's root.
    :param generated: the files that commands generate.
    """
    support = {f"{folder}/{name}": text for name, text in toolchain.support_files().items()}
    every = tuple(settings for settings, _ in extensions)
    planner = _Planner(toolchain, sdk, folder, tuple(support), generated, every)
    libraries = tuple(planner.library_plan(settings, files) for settings, files in extensions)
    for library in libraries:
        support.update(library.support_files)
    return BuildPlan(
        folder=str(folder),
        libraries=libraries,
        support_files=support,
        shell_line=toolchain.shell_line,
    )


@dataclass(frozen=True)
class _CompiledSources:
    """The steps that compile the sources of an extension.

    :param objects: the objects that cl writes when it precompiles a header. See `LibraryPlan` for
        the other fields.
    """

    steps: Sequence[Step]
    objects: tuple[str, ...]
    units: tuple[Step, ...]
    source_arguments: Mapping[str, tuple[str, ...]]
    support_files: Mapping[str, str]


@dataclass(frozen=True)
class _Planner:
    """Makes the plans of libraries.

    :param link_inputs: files that the build writes before the first step, for example lists of
        symbols. If the arguments of a link command name such a file, the file is an input of the
        command.
    """

    toolchain: Toolchain
    sdk: TVMFFISdk
    folder: PurePosixPath
    link_inputs: tuple[str, ...]
    generated: Generated
    every: tuple[ExtensionSettings, ...]

    def library_plan(
        self, settings: ExtensionSettings, sources: Sequence[PurePosixPath]
    ) -> LibraryPlan:
        languages = languages_of(settings, sources)
        uses_toolkit = settings.cuda_toolkit or "cuda" in languages
        settings = replace(settings, cuda_toolkit=uses_toolkit)
        arguments = {
            language: self._compiler(language).compile_flags(settings, self.sdk, language)
            for language in sorted(languages)
        }
        compiled = self._compiled(settings, sources, arguments)
        steps = [*compiled.steps, *self._device_links(settings, compiled.steps, arguments)]
        objects = [*compiled.objects, *(s.output for s in steps if s.kind != "precompile")]
        support = dict(compiled.support_files)
        units = list(compiled.units)
        for entry in settings.embed:
            embedding = list(self._embed(settings, entry, arguments))
            units += embedding[:-1]
            steps += embedding
            objects.append(steps[-1].output)
            text = assembly(entry, self._embedded_file(settings, entry), self.toolchain.system)
            support[steps[-1].inputs[0]] = text
        if self.toolchain.needs_cxx(settings):
            languages |= {"cxx"}
        unit = LinkUnit(
            objects=tuple(objects),
            languages=languages,
            library=self._library(settings),
            response_file=f"{self._library(settings)}.rsp",
            siblings=tuple(
                Sibling(other.target, self._library(other), _from_package(other, settings))
                for other in siblings_of(settings, self.every)
            ),
        )
        arguments["link"] = self.toolchain.link_flags(settings, self.sdk, unit, str(self.folder))
        companion = self.toolchain.companion(settings, unit)
        steps.append(self._link(settings, unit, arguments["link"], companion))
        if companion is not None and companion.command is not None:
            steps.append(
                Step(
                    kind="debug-symbols",
                    inputs=(unit.library,),
                    output=companion.files[0],
                    extra_outputs=companion.files[1:],
                    program=companion.command[:1],
                    arguments=companion.command[1:],
                    description=f"collect debug symbols of {PurePosixPath(unit.library).name}",
                )
            )
        return LibraryPlan(
            settings,
            unit.library,
            tuple(steps),
            arguments,
            units=tuple(units),
            support_files=support,
            source_arguments=compiled.source_arguments,
            companions=() if companion is None else companion.files,
            siblings=self._all_siblings(settings),
        )

    def _compiled(
        self,
        settings: ExtensionSettings,
        sources: Sequence[PurePosixPath],
        arguments: Mapping[str, tuple[str, ...]],
    ) -> _CompiledSources:
        """Return the steps that compile the sources of an extension, alone or in batches."""
        own = self._source_arguments(settings, sources)
        header = precompiled_header(
            *(settings, arguments, self._folder(settings, "precompiled"), self.toolchain.root)
        )
        precompile = None if header is None else self._precompile(settings, header, arguments)
        units = {
            source: self._compile(
                settings, source, own.get(str(source), arguments[language_of(source)]), header
            )
            for source in sources
        }
        batches = self._batches(settings, sources, own)
        joined = {source for batch in batches for source in batch.sources}
        steps = [] if precompile is None else [precompile]
        for source, alone in units.items():
            if str(source) in own:
                steps.append(alone)
            elif source not in joined:
                flags = arguments[language_of(source)]
                steps.append(self._compile(settings, source, flags, header, precompile))
        steps += [
            self._compile_batch(settings, batch, arguments[batch.language], header, precompile)
            for batch in batches
        ]
        support = {self._main_file(settings, batch): unity.MAIN_FILE for batch in batches}
        objects: tuple[str, ...] = ()
        if header is not None:
            support.update({header.header: header.text, header.plain: header.text})
            if precompile is not None and precompile.extra_outputs:
                objects = precompile.extra_outputs
                support[header.source] = ""
        named_own = {
            str(self.generated.declared(source)): own[str(source)]
            for source in sources
            if str(source) in own
        }
        return _CompiledSources(steps, objects, tuple(units.values()), named_own, support)

    def _compiler(self, language: str) -> LanguageCompiler:
        return self.toolchain.devices.get(language, self.toolchain)

    def _options(
        self, settings: ExtensionSettings, source: PurePosixPath
    ) -> tuple[SourceOptions, ...]:
        return options_of(settings, self.generated.declared(source))

    def _source_arguments(
        self, settings: ExtensionSettings, sources: Sequence[PurePosixPath]
    ) -> dict[str, tuple[str, ...]]:
        """Return the compiler flags of each source for which `source-options` declares flags."""
        found = {}
        for source in sources:
            its_own = with_options(settings, self._options(settings, source))
            if its_own != settings:
                language = language_of(source)
                compiler = self._compiler(language)
                found[str(source)] = compiler.compile_flags(its_own, self.sdk, language)
        return found

    def _folder(self, settings: ExtensionSettings, name: str) -> PurePosixPath:
        return self.folder / settings.name / name

    def _precompile(
        self,
        settings: ExtensionSettings,
        header: PrecompiledHeader,
        arguments: Mapping[str, tuple[str, ...]],
    ) -> Step | None:
        """Return the step that precompiles a header.

        If the compiler cannot precompile headers, return ``None``.
        """
        depfile = f"{header.header}.d"
        unit = HeaderUnit(header.header, header.language, header.source, depfile)
        flags = arguments[header.language]
        made = self.toolchain.precompile(flags, unit)
        if made is None:
            return None
        return self._compiler_step(
            "precompile",
            (header.header,),
            made.output,
            *(made.command, flags, header.language, depfile),
            extra_inputs=settings.depends,
            extra_outputs=() if made.object is None else (made.object,),
            description=f"precompile {named(settings.precompile_headers)}",
        )

    def _compile(
        self,
        settings: ExtensionSettings,
        source: PurePosixPath,
        flags: tuple[str, ...],
        header: PrecompiledHeader | None,
        precompile: Step | None = None,
    ) -> Step:
        obj = self._object(settings, source)
        unit = CompileUnit(str(source), language_of(source), obj, f"{obj}.d")
        return self._compile_unit(settings, unit, flags, header, precompile)

    def _batches(
        self,
        settings: ExtensionSettings,
        sources: Sequence[PurePosixPath],
        own: Mapping[str, tuple[str, ...]],
    ) -> list[unity.Batch]:
        """Return the batches of a unity build.

        :param own: the sources that have flags of their own. They are compiled alone, as in CMake.
        """
        if not settings.unity_build:
            return []
        eligible = (
            source
            for source in sources
            if str(source) not in own and all(o.unity for o in self._options(settings, source))
        )
        return unity.batches(eligible, settings.unity_batch_size)

    def _main_file(self, settings: ExtensionSettings, batch: unity.Batch) -> str:
        return f"{self._folder(settings, 'unity') / batch.main_file}"

    def _compile_batch(
        self,
        settings: ExtensionSettings,
        batch: unity.Batch,
        flags: tuple[str, ...],
        header: PrecompiledHeader | None,
        precompile: Step | None,
    ) -> Step:
        main = self._main_file(settings, batch)
        obj = f"{main}{self.toolchain.object_suffix}"
        sources = tuple(map(str, batch.sources))
        unit = CompileUnit(main, batch.language, obj, f"{obj}.d", joined=sources)
        return self._compile_unit(settings, unit, flags, header, precompile)

    def _compile_unit(
        self,
        settings: ExtensionSettings,
        unit: CompileUnit,
        flags: tuple[str, ...],
        header: PrecompiledHeader | None = None,
        precompile: Step | None = None,
    ) -> Step:
        """Return the step that compiles a source or a batch.

        :param header: the header to include first. It is ignored if the language of the source is
            not the language of the header.
        :param precompile: the step that precompiles the header. If it is ``None``, the source
            includes the header as text.
        """
        if header is not None and unit.language == header.language:
            if precompile is None:
                unit = replace(unit, header=header.plain)
            else:
                unit = replace(unit, header=header.header, precompiled=precompile.output)
        sources = unit.joined or (unit.source,)
        device = self.toolchain.devices.get(unit.language)
        return self._compiler_step(
            *("compile", sources, unit.object),
            self._compiler(unit.language).compile_command(flags, unit),
            *(flags, unit.language, unit.depfile if unit.reports_headers else None),
            extra_inputs=settings.depends,
            precompiled=unit.precompiled,
            description=f"compile {named(sources)}",
            on_this_machine=device is not None,
            parts=1 if device is None else device.parallel_parts(flags),
        )

    def _embed_path(self, settings: ExtensionSettings, entry: EmbedSettings) -> str:
        """Return the path, without suffix, of the files that are written for an `embed` entry."""
        return f"{self.folder / settings.name / 'embed' / entry.name}"

    def _embedded_file(self, settings: ExtensionSettings, entry: EmbedSettings) -> str:
        """Return the path of the file that an `embed` entry embeds."""
        return entry.file or f"{self._embed_path(settings, entry)}.{entry.format}"

    def _embed(
        self,
        settings: ExtensionSettings,
        entry: EmbedSettings,
        arguments: Mapping[str, tuple[str, ...]],
    ) -> Iterator[Step]:
        file = self._embedded_file(settings, entry)
        if entry.source is not None:
            options = self._options(settings, PurePosixPath(entry.source))
            embedded = for_embedding(with_options(settings, options), entry)
            flags = self._compiler("cuda").compile_flags(embedded, self.sdk, "cuda")
            check_architectures(embedded, entry, flags)
            device = CompileUnit(entry.source, "cuda", file, f"{file}.d", format=entry.format)
            compiled = self._compile_unit(settings, device, flags)
            yield replace(compiled, description=f"compile {entry.source} to a {entry.format}")
        path = self._embed_path(settings, entry)
        obj = f"{path}{self.toolchain.object_suffix}"
        unit = CompileUnit(f"{path}.S", "asm", obj, f"{obj}.d")
        step = self._compile_unit(settings, unit, arguments["asm"])
        yield replace(
            step,
            description=f"embed {entry.name} in {PurePosixPath(self._library(settings)).name}",
            extra_inputs=(file,),
        )

    def _compiler_step(
        self,
        kind: str,
        inputs: tuple[str, ...],
        output: str,
        command: tuple[str, ...],
        flags: tuple[str, ...],
        language: str,
        depfile: str | None,
        **more: Any,  # noqa: ANN401 - other fields of `Step`
    ) -> Step:
        compiler, driver = self._compiler(language), self.toolchain.compilers[language]
        return Step(
            *(kind, inputs, output),
            launcher=driver.launcher,
            program=driver.command,
            arguments=command[len(driver.launcher) + len(driver.command) :],
            version=self._version(language),
            question=compiler.include_path_question(flags, language),
            dependency_style=compiler.dependency_style,
            depfile=depfile,
            **more,
        )

    def _device_links(
        self,
        settings: ExtensionSettings,
        compiled: Sequence[Step],
        arguments: Mapping[str, tuple[str, ...]],
    ) -> Iterator[Step]:
        """Yield the steps that link the device code of compiled sources."""
        for language in sorted(set(arguments) & set(self.toolchain.devices)):
            driver = self.toolchain.compilers[language]
            objects = tuple(s.output for s in compiled if s.program == driver.command)
            output = f"{self._objects(settings)}/{language}-link{self.toolchain.object_suffix}"
            name = PurePosixPath(self._library(settings)).name
            command = self.toolchain.devices[language].device_link_command(
                settings, arguments[language], objects, output
            )
            if command:
                yield Step(
                    kind="device-link",
                    inputs=objects,
                    output=output,
                    program=driver.command,
                    arguments=command[len(driver.command) :],
                    version=self._version(language),
                    description=f"link device code of {name}",
                    extra_inputs=settings.extra_objects,
                )

    def _objects(self, settings: ExtensionSettings) -> PurePosixPath:
        return self.folder / settings.name / "objects"

    def _object(self, settings: ExtensionSettings, source: PurePosixPath) -> str:
        path = self._objects(settings) / source
        if self.folder in source.parents:
            # The source is generated. Its path already contains `self.folder`.
            path = self.folder / settings.name / source.relative_to(self.folder)
        return f"{path}{self.toolchain.object_suffix}"

    def _link(
        self,
        settings: ExtensionSettings,
        unit: LinkUnit,
        flags: tuple[str, ...],
        companion: Companion | None,
    ) -> Step:
        made_by_it = () if companion is None or companion.command else companion.files
        command = self.toolchain.link_command(flags, unit)
        program = self.toolchain.compilers[unit.driver].command
        if command[: len(program)] != program:
            # With Microsoft's toolchain, the command starts the linker instead of the compiler.
            program = command[:1]
        return Step(
            kind="link",
            inputs=unit.objects,
            output=unit.library,
            extra_outputs=made_by_it,
            program=program,
            arguments=command[len(program) :],
            version=self._version(unit.driver),
            question=self.toolchain.library_path_question(flags, unit),
            description=f"link {PurePosixPath(unit.library).name}",
            extra_inputs=(
                *(name for name in self.link_inputs if any(f.endswith(name) for f in flags)),
                f"{self.sdk.library_dir}/{self.sdk.library}",
                *settings.extra_objects,
                *(sibling.library for sibling in unit.siblings),
            ),
            response_file=unit.response_file,
            response_file_content=self.toolchain.response_file_content(unit.objects),
        )

    def _version(self, language: str) -> str:
        """Return a compiler's version.

        For a device compiler, also return the version of its host compiler.
        """
        compilers = self.toolchain.compilers
        host = ("c", "cxx", "cuda-host")
        languages = (language, *(host if language in self.toolchain.devices else ()))
        return "\n".join(compilers[name].version for name in languages if name in compilers)

    def _library(self, settings: ExtensionSettings) -> str:
        filename = library_filename(self.toolchain.system, settings.target)
        return f"{self.folder / settings.name / filename}"

    def _all_siblings(self, settings: ExtensionSettings) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for other in siblings_of(settings, self.every):
            found.update(dict.fromkeys((*self._all_siblings(other), self._library(other))))
        return tuple(found)


def _from_package(other: ExtensionSettings, settings: ExtensionSettings) -> str:
    folders = (extension.package.replace(".", "/") for extension in (other, settings))
    return posixpath.relpath(*folders)
