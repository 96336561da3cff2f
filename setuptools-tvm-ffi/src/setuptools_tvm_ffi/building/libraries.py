# SPDX-License-Identifier: Apache-2.0
"""Builds the libraries of one distribution: from settings through ninja to checked files."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..base.build_lock import held_files
from ..base.errors import PREFIX, BuildError, ConfigurationError
from ..base.file_replacement import replace_file
from ..base.json_file import read_object
from ..base.write_failures import hint_for_output
from ..ffi.process import TVMFFIProcess
from ..project.sources import find_sources, language_of
from ..settings import ExtensionSettings, Project
from ..toolchains import Toolchain
from ..toolchains.launcher import Launcher, base_name
from . import ninja_file
from .jobs import JobCount, count_jobs, measure
from .library_check import link_failure
from .model import BuildRequest, BuildResult, BuiltLibrary
from .ninja import compile_commands, require_ninja, run_ninja
from .plan import BuildPlan, LibraryPlan, make_plan

# GCC's and Clang's words. Upstream's own example passes a lambda, and its macro takes the type of
# it as soon as metadata is exported, as it is here (seen in 0.1.15.post2).
_LAMBDA_REFUSED = re.compile(r"lambda[- ]expression in (an )?unevaluated (context|operand)")
_LAMBDA_HINT = (
    "TVM_FFI_DLL_EXPORT_TYPED_FUNC exports the function's types too, which before C++20 it cannot "
    "do for a lambda: give the function a name, set cxx_std='20', or leave the types out with "
    "undef_macros=['TVM_FFI_DLL_EXPORT_INCLUDE_METADATA']"
)


logger = logging.getLogger(__name__)


def build_libraries(request: BuildRequest, process: TVMFFIProcess) -> BuildResult:
    """Compile and link what is out of date, and check every library.

    :param process: is asked for what `tvm_ffi` knows, and made ready to generate stubs as soon as
        something is compiled.

    :raises BuildError: anything a user can act on, from a missing source to a failed link.
    """
    root = request.root
    sources = {
        settings.name: find_sources(settings, root, build_base=request.build_base)
        for settings in request.extensions
    }
    for settings in request.extensions:
        _check_files(settings, root)
    languages = frozenset(language_of(source) for files in sources.values() for source in files)
    project = request.project
    # Everything that can be missing is looked for before anything is written or compiled.
    ninja = require_ninja()
    toolchain, sdk = request.host.tools(request, languages, process)
    plan = make_plan(
        [
            (_for_architectures(settings, project), sources[settings.name])
            for settings in request.extensions
        ],
        toolchain,
        sdk,
        request.objects_folder,
    )
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
    run = _Run(plan, ninja, request, jobs, toolchain)
    wants_stubs = any(settings.stubs != "none" for settings in request.extensions)
    run.everything(on_work=process.import_generator if wants_stubs else None)
    libraries = tuple(_built(library, root) for library in plan.libraries)
    _check(libraries, request, toolchain)
    return BuildResult(libraries, toolchain, sdk, ninja)


def remove_objects(request: BuildRequest) -> None:
    """Forget every object, library and stub, for ``build_ext --force``."""
    for settings in request.extensions:
        shutil.rmtree(request.root / request.objects_folder / settings.name, ignore_errors=True)


def _for_architectures(settings: ExtensionSettings, project: Project) -> ExtensionSettings:
    """Return the settings with the project's architectures where the extension names none.

    What the frontend or the environment asks for counts more than both.
    """
    changed = {
        name: getattr(project.settings, name)
        for name in ("cuda_architectures", "hip_architectures")
        if project.is_overridden(name) or not getattr(settings, name)
    }
    places = {name: project.place(name) for name in changed}
    return dataclasses.replace(settings, **changed, declared_elsewhere=places)


def _check_files(settings: ExtensionSettings, root: Path) -> None:
    for name, files in (("depends", settings.depends), ("extra_objects", settings.extra_objects)):
        for file in files:
            if not (root / file).exists():
                raise ConfigurationError(
                    f"{settings.place(name)}: {file!r}: file does not exist",
                    hint=f"paths are relative to {root}",
                )
    for name, folders in (
        ("include_dirs", settings.include_dirs),
        ("library_dirs", settings.library_dirs),
    ):
        for folder in folders:
            if not os.path.isabs(folder) and not (root / folder).is_dir():
                raise ConfigurationError(
                    f"{settings.place(name)}: {folder!r}: folder does not exist",
                    hint=f"paths are relative to {root}",
                )
    for file in settings.extra_objects:
        if root not in Path(os.path.normpath(root / file)).parents:
            raise ConfigurationError(
                f"{settings.place('extra_objects')}: {file!r} lies outside the project",
                hint="an sdist could not hold it: move the file below the project's root, or name "
                "an archive of the system's in 'libraries' and 'library_dirs'",
            )


@dataclass(frozen=True)
class _Run:
    plan: BuildPlan
    ninja: str
    request: BuildRequest
    jobs: JobCount
    toolchain: Toolchain

    def everything(self, *, on_work: Callable[[], None] | None) -> None:
        """Bring every library up to date."""
        root = self.request.root
        for name, text in self.plan.support_files.items():
            replace_file(root / name, text.encode())
        file = Path(self.request.manifest)
        local = self.jobs.local if self.jobs.local < self.jobs.total else None
        is_new = replace_file(root / file, ninja_file.render(self.plan, local_jobs=local).encode())
        # Each build type has its own; editors find those of the last build.
        commands = root / self.request.objects_folder / "compile_commands.json"
        if is_new or not commands.exists():
            replace_file(commands, compile_commands(self.ninja, file, root=root))
        replace_file(root / self.request.folder / commands.name, commands.read_bytes())

        # An explicit number would have ninja ignore those of a `make -j` that it is part of.
        declared = self.request.project.settings.jobs is not None
        shared = not declared and "--jobserver-auth=fifo:" in os.environ.get("MAKEFLAGS", "")
        explanation = "jobs are those of make's jobserver" if shared else self.jobs.explanation

        def announce() -> None:
            logger.info("%s: %s", PREFIX, explanation)
            if on_work is not None:
                on_work()

        if is_new:
            announce()  # there will be some: do not wait until ninja says so
        leaves_a_server = any(launcher.leaves_a_server for launcher in _launchers(self.toolchain))
        status, printed = run_ninja(
            self.ninja,
            file,
            root=root,
            jobs=None if shared else self.jobs.total,
            on_work=None if is_new else announce,
            # A server that a launcher starts would hold the lock after the build.
            inherited=() if leaves_a_server else held_files(),
        )
        if status != 0:
            raise _failure(self.plan, status, printed)


def _launchers(toolchain: Toolchain) -> Iterator[Launcher]:
    """Yield what starts each compiler: a declared launcher, or one before it in `CC` or `CXX`."""
    for compiler in toolchain.compilers.values():
        command = (*compiler.launcher, *compiler.command)
        yield Launcher(command, base_name(command[0]))


def _failure(plan: BuildPlan, status: int, printed: str) -> BuildError:
    failed = _first_failed(plan, printed)
    hint = hint_for_output(printed)
    if failed is None:
        return BuildError(f"ninja failed (exit status {status}), see its message above", hint=hint)
    library, output, source = failed
    if source is not None:
        return BuildError(
            f"extension {library.settings.name!r}: compiling {source} failed, "
            "see the compiler's message above",
            hint=_LAMBDA_HINT if _LAMBDA_REFUSED.search(printed) else hint,
        )
    return link_failure(library.settings.name, printed) or BuildError(
        f"extension {library.settings.name!r}: linking {output} failed, "
        "see the linker's message above",
        hint=hint,
    )


def _first_failed(plan: BuildPlan, printed: str) -> tuple[LibraryPlan, str, str | None] | None:
    outputs: Mapping[str, tuple[LibraryPlan, str, str | None]] = {
        step.output: (library, step.output, step.inputs[0] if step.kind == "compile" else None)
        for library in plan.libraries
        for step in library.steps
    }
    for line in printed.splitlines():
        if line.startswith("FAILED:"):
            # `FAILED: [code=1] path ` since ninja 1.13, `FAILED: path ` before.
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
    """Check each library once; report the warnings about it at every build."""
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
