# SPDX-License-Identifier: Apache-2.0
"""Builds the libraries of one distribution: makes the plan, runs ninja and checks the libraries."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import posixpath
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..base.build_lock import held_files
from ..base.colour import has_colours
from ..base.errors import PREFIX, BuildError, ConfigurationError
from ..base.file_replacement import replace_file
from ..base.json_file import read_object
from ..base.output_protocol import mark
from ..base.write_failures import hint_for_output
from ..ffi.process import TVMFFIProcess
from ..project.sources import (
    Generated,
    check_source_options,
    find_sources,
    language_of,
    languages_of,
    options_of,
)
from ..settings import ExtensionSettings, Project
from ..settings.model import check_embedded_names
from ..settings.overrides import for_nvcc, project_for_nvcc, with_every_branch, with_options
from ..settings.project import extension_lines
from ..toolchains import Toolchain
from ..toolchains.device_discovery import nvcc_release
from ..toolchains.launcher import Launcher, base_name
from . import ninja, ninja_file
from .batch_errors import batch_failure
from .file_states import Status, status_of, wait_until_trusted
from .freshness import Freshness, Stale
from .generate_commands import delete_other_files, failed_command, generation_plan
from .jobs import JobCount, count_jobs, measure
from .link_errors import link_failure
from .package_headers import add_package_headers
from .pkg_config import add_pkg_config
from .plan import BuildPlan, LibraryPlan, Step, make_plan, named
from .request import BuildRequest, BuildResult, BuiltLibrary
from .work import Work

# This pattern matches the error message of GCC and Clang if a source passes a lambda to TVM-FFI's
# export macro, as in an example of TVM-FFI's documentation. To export metadata, the macro uses the
# type of the lambda in a way that compilers reject before C++20 (seen in apache-tvm-ffi
# 0.1.15.post2).
_LAMBDA_REFUSED = re.compile(r"lambda[- ]expression in (an )?unevaluated (context|operand)")
# This pattern matches the error message of ptxas about device code that uses a function or variable
# of another source.
_DEVICE_LINK_NEEDED = re.compile(r"ptxas .*Unresolved extern (function|variable)")
# This pattern matches the error message of GCC, Clang and cl about a missing header of the CUDA
# toolkit.
_NO_TOOLKIT = re.compile(r"(?<![\w/])cuda(_runtime\w*)?\.h\b.*(No such file|not found)")
# This pattern matches the error message of ptxas if the parts of nvcc come from different releases.
# pip can install such parts, because the package nvidia-cuda-nvcc (13.0) accepts every release of
# the package nvidia-nvvm, which contains a part of nvcc.
_MIXED_TOOLKIT = re.compile(r"ptxas .*Unsupported \.version")
_MIXED_TOOLKIT_HINT = (
    "the parts of nvcc are of different releases: require the same release of nvidia-cuda-nvcc, "
    "nvidia-nvvm and nvidia-cuda-crt, for example with 'cuda-toolkit[nvcc,cccl]==13.0.*'"
)
# With these variables, a compiler cache always runs the compiler, and replaces the cached object.
# It would not be enough to omit the project's launcher: `CC`, PATH or a wrapper script can also
# start a cache.
_NO_CACHE = {"CCACHE_RECACHE": "1", "SCCACHE_RECACHE": "1"}

logger = logging.getLogger(__name__)


def build_libraries(request: BuildRequest, process: TVMFFIProcess) -> BuildResult:
    """Run the stale compile and link steps, and check every library.

    :param process: the child process that imports `tvm_ffi`. If a library needs stubs, the child
        process imports the stub generator while ninja runs.
    :raises BuildError: the build failed for a reason that a user can fix, such as a missing source
        or a failed link.
    """
    root = request.root
    request = _with_overrides_for_nvcc(request, process)
    for settings in request.extensions:
        # Check the names of embedded files only now that the overrides are applied. Two overrides
        # may use the same name if their conditions exclude each other.
        check_embedded_names(settings.embed)
    generated = request.generated
    sources = _sources(request)
    for settings in request.extensions:
        embedded = [PurePosixPath(entry.source) for entry in settings.embed if entry.source]
        every = [*map(generated.declared, sources[settings.name]), *embedded]
        check_source_options(settings, every)
        _check_files(with_options(settings, settings.source_options), root, generated)
        _check_device_link(settings, tuple(map(generated.declared, sources[settings.name])))
    languages = _languages(request, sources)
    project = request.project
    objects = [file for settings in request.extensions for file in settings.extra_objects]
    request = dataclasses.replace(
        request, extensions=tuple(_with_generated(e, generated) for e in request.extensions)
    )
    # Search for all tools before anything is written or compiled.
    program = ninja.require_ninja()
    toolchain, sdk = request.host.tools(request, languages, process)
    extensions = [_for_architectures(settings, project) for settings in request.extensions]
    extensions, headers = add_package_headers(extensions, request)
    extensions, modules = add_pkg_config(extensions, toolchain.system)
    # When an editable install is imported, the import hook checks whether to rebuild. The hook does
    # not copy files. It must therefore check the original files, not the copies that the steps
    # read.
    originals = {name: status_of(name) for name in (*sdk.originals, *headers, *modules)}
    libraries = [(settings, sources[settings.name]) for settings in extensions]
    plan = make_plan(libraries, toolchain, sdk, request.objects_folder, generated)
    jobs = count_jobs(
        project.settings.jobs,
        project.place("jobs"),
        measure(),
        device_compilers=bool(toolchain.devices),
        distributed=any(launcher.distributes for launcher in _launchers(toolchain)),
    )
    notices = (
        toolchain.devices[language].notice(library.settings)
        for library in plan.libraries
        for language in set(library.arguments) & set(toolchain.devices)
    )
    for notice in dict.fromkeys(filter(None, notices)):
        logger.info("%s: %s", PREFIX, notice)
    inputs: dict[str, Status | None] = {}
    work = Work()
    if project.settings.generate:
        generation = generation_plan(request, toolchain)
        run = _Run(generation, program, request, jobs, toolchain, work)
        inputs = run.commands().watched()
        delete_other_files(request)
        if any(map(generated.contains, objects)):
            # Some of `extra_objects` are generated. The link commands depend on the symbols in
            # these files, so plan again now that the files exist.
            toolchain, sdk = request.host.tools(request, languages, process)
            plan = make_plan(libraries, toolchain, sdk, request.objects_folder, generated)
    run = _Run(plan, program, request, jobs, toolchain, work)
    wants_stubs = any(settings.stubs != "none" for settings in request.extensions)
    freshness = run.libraries(on_work=process.import_generator if wants_stubs else None)
    built = tuple(_built(library, root) for library in plan.libraries)
    _check(built, request, toolchain)
    watched = {**originals, **inputs, **freshness.watched()}
    return BuildResult(built, toolchain, sdk, program, watched, work)


def remove_objects(request: BuildRequest) -> None:
    """Delete the objects, the libraries, the cached stubs and the generated files.

    ``build_ext --force`` calls this function before it builds.
    """
    folders = [request.objects_folder / settings.name for settings in request.extensions]
    for folder in (*folders, request.generated_folder):
        shutil.rmtree(request.root / folder, ignore_errors=True)


def _with_overrides_for_nvcc(request: BuildRequest, process: TVMFFIProcess) -> BuildRequest:
    """Apply the overrides whose condition is a release of nvcc.

    If no extension has a CUDA source, none of these overrides applies. To find CUDA sources, the
    function also examines the sources that overrides could add, because the only CUDA source may be
    among them.
    """
    extensions, project = request.extensions, request.project
    if not project.settings.overrides and not any(e.overrides for e in extensions):
        return request
    every = dataclasses.replace(request, extensions=tuple(map(with_every_branch, extensions)))
    languages = _languages(every, _sources(every))
    release = None
    if "cuda" in languages:
        toolchain, _ = request.host.tools(request, languages, process)
        release = nvcc_release(toolchain.compilers["cuda"].version)
    known = dataclasses.replace(
        request,
        extensions=tuple(for_nvcc(settings, release) for settings in extensions),
        project=project_for_nvcc(project, release),
    )
    before = {*project.lines(), *(line for e in extensions for line in extension_lines(e))}
    for line in (
        *known.project.lines(),
        *(s for e in known.extensions for s in extension_lines(e)),
    ):
        if line not in before:
            logger.info("%s: nvcc %s: %s", PREFIX, release, line)
    return known


def _sources(request: BuildRequest) -> dict[str, tuple[PurePosixPath, ...]]:
    """Return the sources of each extension. The key is the name of the extension."""
    return {
        settings.name: find_sources(
            *(settings, request.root), build_base=request.build_base, generated=request.generated
        )
        for settings in request.extensions
    }


def _languages(
    request: BuildRequest, sources: Mapping[str, Iterable[PurePosixPath]]
) -> frozenset[str]:
    """Return the languages of all extensions.

    :param sources: the sources of each extension. The key is the name of the extension.
    """
    found = [languages_of(settings, sources[settings.name]) for settings in request.extensions]
    toolkit = any(settings.cuda_toolkit for settings in request.extensions)
    return frozenset().union(*found, {"cuda"} if toolkit else ())


def _for_architectures(settings: ExtensionSettings, project: Project) -> ExtensionSettings:
    """Return the extension's settings with the GPU architectures that apply to the extension.

    If the extension declares no architectures, the project's architectures apply. If the frontend
    or an environment variable declares architectures, these apply to every extension.
    """
    changed = {
        name: getattr(project.settings, name)
        for name in ("cuda_architectures", "hip_architectures")
        if project.is_overridden(name) or not getattr(settings, name)
    }
    places = {name: project.place(name) for name in changed}
    places = {**settings.declared_elsewhere, **places}
    return dataclasses.replace(settings, **changed, declared_elsewhere=places)


def _with_generated(settings: ExtensionSettings, generated: Generated) -> ExtensionSettings:
    """Return the settings with the path of each generated file in place of the file's name.

    The folder of generated files becomes the last include folder.
    """
    if not generated.names:
        return settings
    return dataclasses.replace(
        settings,
        include_dirs=(*settings.include_dirs, str(generated.folder)),
        extra_objects=tuple(map(generated.path, settings.extra_objects)),
        embed=tuple(
            dataclasses.replace(
                entry,
                source=entry.source and generated.path(entry.source),
                file=entry.file and generated.path(entry.file),
            )
            for entry in settings.embed
        ),
    )


def _check_files(settings: ExtensionSettings, root: Path, generated: Generated) -> None:
    headers = tuple(name for name in settings.precompile_headers if name[:1] != "<")
    linked = [(settings.place("extra_objects"), file) for file in settings.extra_objects]
    linked += [(entry.place(entry.key), entry.path) for entry in settings.embed]
    linked = [(place, file) for place, file in linked if not generated.contains(file)]
    named = [(settings.place("depends"), file) for file in settings.depends]
    named += [(settings.place("precompile_headers"), file) for file in headers]
    for place, file in (*named, *linked):
        if not (root / file).exists():
            also = " (write <…> around the name of a header on the include path)"
            raise ConfigurationError(
                f"{place}: {file!r}: file does not exist",
                hint=f"paths are relative to {root}{also if file in headers else ''}",
            )
    for name, folders in (
        ("include_dirs", settings.include_dirs),
        ("system_include_dirs", settings.system_include_dirs),
        ("library_dirs", settings.library_dirs),
    ):
        for folder in folders:
            if not os.path.isabs(folder) and not (root / folder).is_dir():
                raise ConfigurationError(
                    f"{settings.place(name)}: {folder!r}: folder does not exist",
                    hint=f"paths are relative to {root}",
                )
    for place, file in linked:
        if (root / file).is_dir():
            raise ConfigurationError(f"{place}: {file!r} is a folder", hint="name a file instead")
        if root not in Path(os.path.normpath(root / file)).parents:
            system = (
                ". If the file is a library of the system, name it in 'libraries' and its folder "
                f"in {settings.spelled('library_dirs')!r}"
            )
            raise ConfigurationError(
                f"{place}: {file!r} lies outside the project",
                hint="an sdist cannot contain it: move the file into the project"
                f"{system if file in settings.extra_objects else ''}",
            )


def _check_device_link(settings: ExtensionSettings, sources: Sequence[PurePosixPath]) -> None:
    """Check whether the device code of an extension's sources can be linked.

    :param sources: the sources, with the names that the settings contain.
    :raises ConfigurationError: no source is a CUDA source, or a CUDA source has architectures of
        its own.
    """
    if not settings.cuda_separable_compilation:
        return
    place = settings.place("cuda_separable_compilation")
    cuda = [source for source in sources if language_of(source) == "cuda"]
    if not cuda:
        raise ConfigurationError(
            f"{place}: the extension has no CUDA sources",
            hint="remove the setting, or add a .cu file to 'sources'",
        )
    for source in cuda:
        for entry in options_of(settings, source):
            if entry.cuda_architectures:
                # nvlink links the device code of all sources for the same architectures.
                raise ConfigurationError(
                    f"{entry.place('cuda_architectures')}: {source} cannot have its own "
                    f"architectures, because {place} links the device code of all sources together",
                    hint="set the architectures for the library, or move the source to another "
                    "extension",
                )


@dataclass(frozen=True)
class _Run:
    """Runs the stale steps of one plan: the plan of the libraries, or the plan of `generate`."""

    plan: BuildPlan
    ninja: str
    request: BuildRequest
    jobs: JobCount
    toolchain: Toolchain
    work: Work = field(default_factory=Work)

    def libraries(self, *, on_work: Callable[[], None] | None) -> Freshness:
        """Build the libraries, and return the record of the steps.

        :param on_work: a function to call before ninja runs. If no step is stale, ninja does not
            run, and the function is not called.
        """
        root = self.request.root
        for name, text in self.plan.support_files.items():
            replace_file(root / name, text.encode())
        # Write the compilation database twice. The folder of the build type contains the database
        # of this build type. The build folder contains the database of the latest build. Editors
        # search the build folder.
        commands = compile_commands(self.plan, root)
        for parent in (self.plan.folder, self.request.folder):
            replace_file(root / parent / "compile_commands.json", commands)
        freshness, stale = self._examined()
        if stale:
            limit = "make's jobserver limits parallel jobs"
            logger.info("%s: %s", PREFIX, limit if self._shares_jobs() else self.jobs.explanation)
            if on_work is not None:
                on_work()
            self._run(stale, freshness)
        return freshness

    def commands(self) -> Freshness:
        """Run the commands of `generate`, and return the record of the steps."""
        freshness, stale = self._examined()
        if stale:
            self._run(stale, freshness)
            wait_until_trusted()
        return freshness

    def _examined(self) -> tuple[Freshness, list[Stale]]:
        """Return the record of the steps, and the stale steps. Log why each step is stale."""
        root = self.request.root
        freshness = Freshness(root / self.plan.folder, root, os.environ)
        stale = freshness.stale(self.plan)
        self.work.fresh += len(self.plan.steps) - len(stale)
        for line in reasons(stale):
            logger.info("%s: %s", PREFIX, line)
        return freshness, stale

    def _run(self, stale: Sequence[Stale], freshness: Freshness) -> None:
        root = self.request.root
        folder = root / self.plan.folder
        manifest = folder / "build.ninja"
        shared = self._shares_jobs()
        # If make limits the jobs, start each nvcc with one thread: make does not count threads.
        threads = 1 if shared else self._threads(stale)
        local, total, devices = self.jobs.local, self.jobs.total, self.jobs.devices
        colours = has_colours(sys.stdout)
        text = ninja_file.render(
            self.plan,
            stale,
            local_jobs=local if local < total else None,
            device_jobs=devices if devices is not None and devices < total else None,
            threads=threads,
            colours=colours,
        )
        (folder / ninja.LOG).unlink(missing_ok=True)
        for each in stale:
            for output in (each.step.output, *each.step.extra_outputs):
                (root / output).parent.mkdir(parents=True, exist_ok=True)
        manifest.unlink(missing_ok=True)
        # The locale's encoding may be unable to decode a file name. `os.fsencode` restores the
        # original bytes of such a name.
        replace_file(manifest, os.fsencode(text))
        freshness.begin(stale, manifest)
        launchers = list(_launchers(self.toolchain))
        leaves_a_server = any(launcher.leaves_a_server for launcher in launchers)
        variables = _NO_CACHE if any(each.bypass_cache for each in stale) else {}
        if colours:
            # Without this variable, ninja removes the colours, because its output is a pipe.
            variables = {**variables, "CLICOLOR_FORCE": "1"}
        if mark():
            # ninja prints a step only when the step ends. Print the first step before ninja starts.
            first = min(stale, key=lambda each: not each.step.compiles_device_code).step
            sys.stdout.write(f"{mark()}[0/{len(stale)}] {first.description}\n")
        try:
            with self.work.counted_caches(launchers, folder / "ccache.log") as counting:
                status, printed = ninja.run_ninja(
                    self.ninja,
                    Path(self.plan.folder, "build.ninja"),
                    root=root,
                    jobs=None if shared else self.jobs.total,
                    variables={**variables, **counting},
                    # If a launcher starts a server, do not let the server inherit the lock files.
                    # The server would hold the locks after the build.
                    inherited=() if leaves_a_server else held_files(),
                )
        finally:
            finished = ninja.finished(folder)
            steps = [each.step for each in stale]
            done = [s for s in steps if posixpath.normpath(s.output) in finished]
            freshness.complete(done, self.plan)
        self.work.run += len(done)
        self.work.add_warnings(printed.splitlines())
        if status != 0:
            raise failed_command(self.plan, printed) or _failure(
                self.plan, status, printed, self.request
            )

    def _shares_jobs(self) -> bool:
        """Return whether ``make -j`` runs this build and limits ninja's jobs.

        If make limits the jobs, do not pass ``-j`` to ninja: with ``-j``, ninja ignores make's
        limit.
        """
        declared = self.request.project.settings.jobs is not None
        return not declared and "--jobserver-auth=fifo:" in os.environ.get("MAKEFLAGS", "")

    def _threads(self, stale: Sequence[Stale]) -> int:
        """Return the number of threads for each nvcc.

        The result is the limit on parallel device compilers, divided by the number of stale steps
        that run a device compiler, but at least 1.
        """
        units = sum(each.step.compiles_device_code for each in stale)
        return max(1, self.jobs.devices // units) if units and self.jobs.devices else 1


def compile_commands(plan: BuildPlan, root: Path) -> bytes:
    """Return the JSON compilation database of a plan, for editors and clangd.

    The entry of a source contains the command that compiles the source alone, even if a unity build
    compiles the source in a batch.

    https://clang.llvm.org/docs/JSONCompilationDatabase.html
    """
    entries = [
        {
            "directory": str(root),
            "command": plan.shell_line(step.command),
            "file": step.inputs[0],
            "output": step.output,
        }
        for library in plan.libraries
        for step in library.units
    ]
    return (json.dumps(entries, indent=2) + "\n").encode()


def reasons(stale: Sequence[Stale]) -> Iterator[str]:
    """Yield a line for each stale step, with the reason why the step is stale.

    If no step was recorded, as in the first build, yield nothing.
    """
    if not any(each.reason for each in stale):
        return
    outputs = {name for each in stale for name in (each.step.output, *each.step.extra_outputs)}
    for each in stale:
        step = each.step
        compiles = step.kind == "compile"
        name = named(step.inputs) if compiles else PurePosixPath(step.output).name
        again = (f for f in (*step.inputs, *step.extra_inputs) if f in outputs)
        yield f"{name}: {each.reason or f'{PurePosixPath(next(again)).name} is built again'}"


def _launchers(toolchain: Toolchain) -> Iterator[Launcher]:
    """Yield a `Launcher` for the first word of each compiler's command.

    If a command has no launcher, the first word is the compiler. All properties of the `Launcher`
    are false in this case.
    """
    for compiler in toolchain.compilers.values():
        command = (*compiler.launcher, *compiler.command)
        yield Launcher(command, base_name(command[0]))


def _failure(plan: BuildPlan, status: int, printed: str, request: BuildRequest) -> BuildError:
    failed = _first_failed(plan, printed)
    hint = hint_for_output(printed)
    if failed is None:
        return BuildError(f"ninja failed (exit status {status}), see its message above", hint=hint)
    library, step = failed
    if step.kind == "compile":
        hint = _compile_hint(library.settings, printed) or hint
        if len(step.inputs) > 1:
            where = (request.root, hint, request.generated)
            return batch_failure(library.settings, step, printed, *where)
        return BuildError(
            f"extension {library.settings.name!r}: compiling {step.inputs[0]} failed, "
            "see the compiler's message above",
            hint=hint,
        )
    if step.kind == "precompile":
        return BuildError(
            f"{library.settings.place('precompile_headers')}: precompiling the headers failed, "
            "see the compiler's message above",
            hint=hint,
        )
    return link_failure(library.settings, printed) or BuildError(
        f"extension {library.settings.name!r}: linking {step.output} failed, "
        "see the linker's message above",
        hint=hint,
    )


def _compile_hint(settings: ExtensionSettings, printed: str) -> str | None:
    """Return a hint if ninja's output contains a known compiler error, otherwise ``None``."""
    if _LAMBDA_REFUSED.search(printed):
        without = settings.assignment("undef_macros", ["TVM_FFI_DLL_EXPORT_INCLUDE_METADATA"])
        return (
            "TVM_FFI_DLL_EXPORT_TYPED_FUNC also exports the function's types. Before C++20, it "
            "cannot export the types of a lambda: pass a named function, set "
            f"{settings.assignment('cxx_std', '20')}, or omit the types with {without}"
        )
    if _DEVICE_LINK_NEEDED.search(printed):
        separable = settings.assignment("cuda_separable_compilation", True)
        return f"to use device code of another source, set {separable} for the extension"
    if _NO_TOOLKIT.search(printed) and not settings.cuda_toolkit:
        toolkit = settings.assignment("cuda_toolkit", True)
        return f"to include headers of the CUDA toolkit, set {toolkit} for the extension"
    return _MIXED_TOOLKIT_HINT if _MIXED_TOOLKIT.search(printed) else None


def _first_failed(plan: BuildPlan, printed: str) -> tuple[LibraryPlan, Step] | None:
    outputs = {step.output: (library, step) for library in plan.libraries for step in library.steps}
    for line in printed.splitlines():
        if line.startswith("FAILED:"):
            # Since 1.13, ninja prints `FAILED: [code=1] path `. Before, it printed `FAILED: path `.
            announced = line[len("FAILED:") :].strip()
            for output, failed in outputs.items():
                if announced.endswith(output):
                    return failed
    return None


def _built(library: LibraryPlan, root: Path) -> BuiltLibrary:
    companions = {
        PurePosixPath(file).relative_to(PurePosixPath(library.library).parent): (
            root / file
        ).read_bytes()
        for file in library.companions
    }
    return BuiltLibrary(library, (root / library.library).read_bytes(), companions)


def _check(libraries: Sequence[BuiltLibrary], request: BuildRequest, toolchain: Toolchain) -> None:
    """Check new and changed libraries, and log warnings.

    For an unchanged library, log the warning of the last check again.
    """
    stamps = {
        library.plan.library: (request.root / library.plan.library).with_name("checked.json")
        for library in libraries
    }
    warnings: dict[str, str] = {}
    new = []
    for library in libraries:
        checked = read_object(stamps[library.plan.library])
        if checked.get("sha256") != library.sha256:
            new.append(library)
        elif checked.get("warning") is not None:
            warnings[library.plan.library] = checked["warning"]
    if new:
        warnings |= request.host.check(libraries, new, request, toolchain)
    for warning in warnings.values():
        logger.warning("%s: warning: %s", PREFIX, warning)
    for library in new:
        path = library.plan.library
        checked = {"sha256": library.sha256, "warning": warnings.get(path)}
        replace_file(stamps[path], json.dumps(checked).encode())
