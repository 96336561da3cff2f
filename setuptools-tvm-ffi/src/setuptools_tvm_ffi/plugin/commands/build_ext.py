# SPDX-License-Identifier: Apache-2.0
"""``build_ext``: builds the libraries and their stubs, then copies these files to the destination.

A regular build writes only below ``build_lib``. An editable build writes the libraries into the
wheel, and the stubs into the source tree, from which the package is imported.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name
from setuptools.command.build_ext import build_ext

from ...base.errors import PREFIX, BuildError, ConfigurationError
from ...base.file_replacement import replace_file
from ...binaries.library_names import is_library_name
from ...building.libraries import build_libraries, remove_objects
from ...building.native import NativeHost
from ...building.request import BuildRequest, BuildResult, Host
from ...cross.targets import Target, target_of
from ...editable.packed_tools import equip
from ...editable.record import write_rebuild_record
from ...ffi.process import TVMFFIProcess
from ...project.build_environment import stable_names
from ...project.package_tree import PackageTree
from ...project.sdist_files import find_generation_files, find_sdist_files, is_inside
from ...project.source_date import declared_date
from ...project.sources import Generated, find_headers, find_sources
from ...records import build_record, provenance, sbom
from ...settings import ExtensionSettings, Project
from ...settings.model import JOBS
from ...settings.overrides import for_target, project_for_target, with_every_branch
from ...settings.project import extension_lines
from ...stubs import StubFile, cause, make_stubs, stale_files, stub_requests
from ...toolchains import path_in_wheel
from ..context import BuildContext, build_context_of, project_of
from ..extension import TVMFFIExtension, check_together
from ..package_discovery import LAYOUTS
from ..placement import (
    ShippedFile,
    place_in_build_lib,
    place_in_source_tree,
    shipped_files,
    write_files,
)
from ..summary import summary_of
from ..target_markers import target_markers
from .build_folder import build_folder, locked_build_folder, publish_compile_commands
from .requirement import abi_floor

# setuptools applies these options of `build_ext` only to CPython extensions.
_CPYTHON_OPTIONS = (
    *("define", "undef", "include_dirs", "libraries", "library_dirs", "link_objects", "rpath"),
)

logger = logging.getLogger(__name__)


class BuildExtMixin(build_ext):
    """Builds each `TVMFFIExtension`. The project's command class builds the other extensions."""

    # The files that this build has written into `build_lib`. In editable mode, `_shipped` is empty,
    # and `_stubs` contains the stubs that a regular build would write into `build_lib`.
    _stubs: list[StubFile]
    _shipped: list[ShippedFile]

    def initialize_options(self) -> None:
        """Set the attributes that setuptools reads before the command has run."""
        super().initialize_options()
        self._stubs = []
        self._shipped = []

    def finalize_options(self) -> None:
        """Switch to editable mode if the import hook of an editable install started this build."""
        super().finalize_options()
        if self._context.rebuild_into is not None:
            self.editable_mode = True  # type: ignore[misc] # setuptools' own way to set it

    def run(self) -> None:
        """Reject options that have no effect here, then build."""
        if self._tvm_ffi_settings():
            self._check_options()
        super().run()

    def build_extensions(self) -> None:
        """Build all TVM-FFI extensions with one plan, then the other extensions one by one."""
        ours = self._tvm_ffi_settings()
        if ours:
            check_together(tuple(map(with_every_branch, ours)))
            self._tree().check(ours)
            request = self._request(for_host=self._context.stubs is not None)
            native = isinstance(request.host, NativeHost)
            if not native:
                self._check_target(request)
            provenance.check_vendored(request.project, request.root)
            lines = (line for e in request.extensions for line in extension_lines(e))
            for line in (*request.project.lines(), *lines):
                logger.info("%s: %s", PREFIX, line)
            with locked_build_folder(self), TVMFFIProcess(request.root) as process:
                result = self._build(request, process)
                if native:
                    stubs = self._make_stubs(request, result, process)
                else:
                    stubs = self._stubs_of_host(process)
                # Copy files only after everything is built: a failed build must not change the
                # files of the previous build.
                self._place(request, result, stubs)
        if self._context.rebuild_into is None and self._context.stubs is None:
            with self._other_extensions():
                super().build_extensions()

    def _build(self, request: BuildRequest, process: TVMFFIProcess) -> BuildResult:
        if self.force:
            remove_objects(request)
        try:
            result = build_libraries(request, process)
        finally:  # Editors need `compile_commands.json` even if a source contains an error.
            if isinstance(request.host, NativeHost):
                publish_compile_commands(request.root / request.folder)
        summary_of(self.distribution).work.add(result.work)
        return result

    def _check_target(self, request: BuildRequest) -> None:
        """In a build for another platform, reject CPython extensions and ``--inplace``."""
        others = [e.name for e in self.extensions if not isinstance(e, TVMFFIExtension)]
        place = request.project.place("target")
        if others:
            raise ConfigurationError(
                f"{place}: {others[0]!r} is a CPython extension, which cannot be "
                "built for another platform",
                hint="remove the target",
            )
        if self.inplace:
            raise ConfigurationError(
                f"{place}: --inplace needs libraries for this machine",
                hint="remove the target, or build a wheel",
            )

    def _stubs_of_host(self, process: TVMFFIProcess) -> list[StubFile]:
        """Return the stubs of a build for another platform.

        The libraries of another platform cannot be loaded here. This method therefore builds the
        libraries a second time, for this machine, in another build folder.
        """
        host = self._request(for_host=True)
        with locked_build_folder(self, for_host=True):
            result = self._build(host, process)
            return self._make_stubs(host, result, process)

    def get_ext_filename(self, fullname: str) -> str:
        """Return the library's path below ``build_lib``."""
        extension = self.ext_map.get(fullname)
        if not isinstance(extension, TVMFFIExtension):
            name = super().get_ext_filename(fullname)  # type: ignore[no-untyped-call] # setuptools'
            return str(name)
        return str(self._path_in_wheel(extension.settings))

    def get_source_files(self) -> list[str]:
        """Return the source files, their headers, and the files that are named in settings."""
        root = Path.cwd()
        generated = Generated.of(project_of(self.distribution).settings.generate)
        with self._other_extensions():
            files = list(super().get_source_files())
        for settings in map(with_every_branch, self._tvm_ffi_settings()):
            found = find_sources(
                settings, root, build_base=root / self._build_base(), generated=generated
            )
            headers = find_headers(settings, found, root, build_base=root / self._build_base())
            files += map(str, (*found, *headers))
            named = (*settings.depends, *settings.extra_objects)
            files += [f for f in named if is_inside(f, root) and not generated.contains(f)]
        return files

    def get_embedded_files(self) -> list[str]:
        """Return the files that `embed` names. `get_source_files` does not return them."""
        settings = map(with_every_branch, self._tvm_ffi_settings())
        return [os.path.normpath(entry.path) for each in settings for entry in each.embed]

    def get_generation_files(self) -> Mapping[PurePosixPath, bool]:
        """Return the files of the project that the commands of `generate` name or read.

        An sdist contains these files. For the keys and values, see `find_sdist_files`.

        :raises ConfigurationError: an input is missing or outside the project.
        """
        root = Path.cwd()
        generate = project_of(self.distribution).settings.generate
        return find_generation_files(generate, root, build_base=root / self._build_base())

    def get_sdist_files(self) -> dict[str, bool]:
        """Return the files that an sdist must contain in addition to `get_source_files`.

        `get_source_files` does not return these files, because setuptools also calls
        `get_source_files` to find package data for a wheel.

        :returns: the keys are paths. A value is true if the build certainly needs the file, see
            `find_sdist_files`.
        :raises ConfigurationError: the build reads a file outside the project.
        """
        root = Path.cwd()
        build_base = root / self._build_base()
        generate = project_of(self.distribution).settings.generate
        files = {str(file): needed for file, needed in self.get_generation_files().items()}
        generated = Generated.of(generate)
        for settings in map(with_every_branch, self._tvm_ffi_settings()):
            sources = find_sources(settings, root, build_base=build_base, generated=generated)
            found = find_sdist_files(
                settings, sources, root, build_base=build_base, generated=generated
            )
            for file, needed in found.items():
                files[str(file)] = needed or files.get(str(file), False)
        project = project_of(self.distribution)
        provenance.check_vendored(project, root)
        paths = (vendored.path for vendored in project.settings.vendored)
        files.update({os.path.relpath(path): True for path in paths if path is not None})
        return files

    def get_outputs(self) -> list[str]:
        """Return the files that a build writes below ``build_lib``."""
        with self._other_extensions():
            outputs = list(super().get_outputs())
        if not self.editable_mode:
            paths = {self._path_in_wheel(settings) for settings in self._tvm_ffi_settings()}
            paths |= {file.path for file in self._shipped}
            outputs += [os.path.join(self.build_lib, path) for path in sorted(paths)]
        return outputs + [os.path.join(self.build_lib, path) for path in self._written_stubs()]

    def get_output_mapping(self) -> dict[str, str]:
        """Map each output to its source file, for setuptools' strict editable installs."""
        with self._other_extensions():
            mapping = dict(super().get_output_mapping())
        if self.editable_mode:
            for path in self._written_stubs():
                mapping[os.path.join(self.build_lib, path)] = str(self._tree().source_of(path))
        return mapping

    def copy_extensions_to_source(self) -> None:
        """Write libraries and stubs into the source tree for ``build_ext --inplace``."""
        if self._context.stubs is not None:
            return
        with self._other_extensions():
            super().copy_extensions_to_source()
        if self.editable_mode:
            return  # The source tree needs no libraries: the editable wheel contains them.
        for source in self._left_in_place().values():
            source.unlink(missing_ok=True)
        place_in_source_tree(self._shipped, self._stubs, self._tree())
        self._write_metadata_beside_packages()

    def get_inplace_libraries(self) -> dict[PurePosixPath, Path]:
        """Return the libraries that ``build_ext --inplace`` has written into the source tree.

        The result includes libraries that the project has renamed or removed since then. The keys
        are paths in a wheel, and the values are paths in the source tree.
        """
        tree = self._tree()
        tops = {package.partition(".")[0] for package in tree.packages}
        folders = {Path(tree.folder_of(top)).parent for top in tops}
        # The project may have moved its packages since the in-place build, so search every folder
        # that can contain packages.
        folders.update(map(Path, LAYOUTS))
        # The metadata may have the distribution's previous name.
        records = [r for folder in folders for r in folder.glob("*.egg-info/RECORD")]
        lines = [line for r in records for line in r.read_text(encoding="utf-8").splitlines()]
        paths = (PurePosixPath(line.partition(",")[0]) for line in lines)
        # Ignore paths with "..", which could lead out of the packages. The plugin does not write
        # such paths into RECORD.
        return {
            path: tree.source_of(path)
            for path in paths
            if is_library_name(path.name) and path.parts[0] in tops and ".." not in path.parts
        }

    def _left_in_place(self) -> dict[PurePosixPath, Path]:
        """Return the libraries of earlier in-place builds that this build does not produce."""
        shipped = {file.path for file in self._shipped}
        return {p: s for p, s in self.get_inplace_libraries().items() if p not in shipped}

    def _write_metadata_beside_packages(self) -> None:
        """Write metadata, with a ``RECORD``, into the folder that contains the packages.

        ``load_lib_module`` reads ``RECORD`` to find the libraries.
        """
        tree = self._tree()
        name = os.path.basename(self._finalized("egg_info").egg_info)
        records: dict[Path, list[str]] = {}
        for file in self._shipped:
            source = tree.source_of(file.path)
            folder = Path(tree.folder_of(file.path.parts[0])).parent
            # Ignore a library outside `folder`. Its package cannot be imported from `folder`, so
            # the package needs no metadata.
            with contextlib.suppress(ValueError):
                records.setdefault(folder, []).append(source.relative_to(folder).as_posix())
        for folder, paths in records.items():
            metadata = io.StringIO()
            self.distribution.metadata.write_pkg_file(metadata)
            replace_file(folder / name / "PKG-INFO", metadata.getvalue().encode())
            record = "".join(f"{path},,\n" for path in paths)
            replace_file(folder / name / "RECORD", record.encode())

    @property
    def _context(self) -> BuildContext:
        return build_context_of(self.distribution)

    def _tvm_ffi_settings(self) -> tuple[ExtensionSettings, ...]:
        return tuple(e.settings for e in self.extensions if isinstance(e, TVMFFIExtension))

    @contextlib.contextmanager
    def _other_extensions(self) -> Iterator[None]:
        every = self.extensions
        self.extensions = [e for e in every if not isinstance(e, TVMFFIExtension)]
        try:
            yield
        finally:
            self.extensions = every

    def _finalized(self, command: str) -> Any:  # noqa: ANN401 - the project may replace its class
        return self.get_finalized_command(command)

    def _build_base(self) -> str:
        return str(self._finalized("build").build_base)

    def _path_in_wheel(self, settings: ExtensionSettings) -> PurePosixPath:
        target = target_of(project_of(self.distribution))
        return path_in_wheel(settings, None if target is None else target.system)

    def _request(self, *, for_host: bool) -> BuildRequest:
        """Return the request for a build, with the `overrides` of the build's platform applied.

        :param for_host: whether to build for this machine, even if the project has a target.
        """
        root = Path.cwd()
        project = self._project()
        target = None if for_host else target_of(project)
        markers = target_markers(target, self.plat_name, os.environ)
        return BuildRequest(
            extensions=tuple(for_target(e, markers) for e in self._tvm_ffi_settings()),
            project=project_for_target(project, markers),
            root=root,
            folder=build_folder(self, for_host=for_host),
            build_base=root / self._build_base(),
            platform=target.name if target else self.plat_name,
            host=NativeHost() if target is None else _zig_host(target),
            rebuilds=self._context.rebuild_into is not None,
        )

    def _project(self) -> Project:
        """Return the project's settings, with the options of ``build_ext`` applied."""
        project = project_of(self.distribution)
        changes: dict[str, Any] = {}
        origins = dict(project.origins)
        if self.parallel is not None and self.parallel is not True:
            origins["jobs"] = place = "build_ext --parallel"
            changes["jobs"] = JOBS.parse(place, JOBS.read(str(self.parallel)))
        if self.debug:
            origins["build_type"] = "build_ext --debug"
            changes["build_type"] = "debug"
        settings = dataclasses.replace(project.settings, **changes)
        return dataclasses.replace(project, settings=settings, origins=origins)

    def _check_options(self) -> None:
        if any(not isinstance(extension, TVMFFIExtension) for extension in self.extensions):
            return  # The options have an effect: they apply to the CPython extensions.
        given = self.distribution.get_option_dict(self.get_command_name())
        for option in _CPYTHON_OPTIONS:
            if option in given:
                raise ConfigurationError(
                    f"build_ext --{option.replace('_', '-')}, from the {given[option][0]}, has no "
                    "effect: the option applies only to CPython extensions, and the project has "
                    "none",
                    hint="use the settings of the library, or CPPFLAGS and LDFLAGS",
                )

    def _tree(self) -> PackageTree:
        build_py = self._finalized("build_py")
        return PackageTree(tuple(self.distribution.packages or ()), build_py.get_package_dir)

    def _place(self, request: BuildRequest, result: BuildResult, stubs: list[StubFile]) -> None:
        tree = self._tree()
        if self._context.stubs is not None:
            self._context.stubs.handle(stubs, tree)
            return
        if self.editable_mode:
            place_in_source_tree((), stubs, tree)
            self._place_editable(request, result)
        else:
            _check_committed(request.project, stubs)
            _check_architectures(result)
            system = result.toolchain.system
            self._shipped = list(shipped_files(result.libraries, system=system))
            place_in_build_lib(
                self._shipped,
                {stub.path: stub.new for stub in stubs if stub.path is not None},
                Path(self.build_lib),
            )
            # The source tree may contain libraries of earlier in-place builds. If they match a
            # pattern of package data, setuptools has copied them to `build_lib`: delete the copies.
            for path in self._left_in_place():
                Path(self.build_lib, path).unlink(missing_ok=True)
            self._write_sbom(request, result)
        self._stubs = stubs
        self._write_build_record(request, result)
        summary = summary_of(self.distribution)
        summary.packages += tree.outermost(request.extensions)
        for library in result.libraries:
            path = self._path_in_wheel(library.settings)
            if self.editable_mode:
                path = PurePosixPath(self._editable_folder(), path.name)
            summary.libraries[str(path)] = len(library.content)

    def _editable_folder(self) -> str:
        """Return the folder of the libraries in an editable wheel.

        The folder's name is not an identifier, so that the folder cannot shadow the package.
        """
        return f"{canonicalize_name(self.distribution.get_name()).replace('-', '_')}.libs"

    def _make_stubs(
        self, request: BuildRequest, result: BuildResult, process: TVMFFIProcess
    ) -> list[StubFile]:
        tree = self._tree()
        settings = request.project.settings
        # Maps the path of each stub to the stub. Two libraries can have stubs in the same file, but
        # the result must contain each file only once.
        stubs: dict[Path, StubFile] = {}
        strict = settings.stubs == "strict"
        for wanted in stub_requests(result, self.distribution.get_name(), tree, strict=strict):
            folder = wanted.library.parent
            made = make_stubs(wanted, process, root=request.root, folder=folder)
            for warning in made.warnings:
                logger.warning("%s: warning: %s", PREFIX, warning)
            for path, content in made.files.items():
                in_crate = wanted.crate is not None
                source = wanted.crate / path if wanted.crate else tree.source_of(path)
                old = wanted.files.get(path)
                # Do not overwrite a file that was not generated.
                if old is None and source.exists():
                    raise BuildError(f"{source}: a new stub would overwrite this file")
                stubs[source] = StubFile(source, old, content, None if in_crate else path)
            has_some = any(content is not None for content in made.files.values())
            if has_some and wanted.crate is None and settings.py_typed:
                marker = PurePosixPath(*tree.outermost([wanted.settings])[0].split("."), "py.typed")
                source = tree.source_of(marker)
                old = source.read_bytes() if source.is_file() else None
                stubs[source] = StubFile(source, old, old or b"", marker)
        return list(stubs.values())

    def _written_stubs(self) -> list[PurePosixPath]:
        return [s.path for s in self._stubs if s.path is not None and s.new is not None]

    def _place_editable(self, request: BuildRequest, result: BuildResult) -> None:
        name = canonicalize_name(self.distribution.get_name()).replace("-", "_")
        again = self._context.rebuild_into
        if again is not None:
            folder = Path(again)
        else:
            # setuptools sets `install_lib` to the folder of the unpacked wheel.
            wheel = Path(self._finalized("install").install_lib)
            folder = wheel / self._editable_folder()
        write_files(shipped_files(result.libraries, PurePosixPath()), folder)
        if again is None:
            if not request.project.rebuilds_on_import(os.environ):
                return
            packages = self._tree().outermost(request.extensions)
            equip(wheel, folder, name, packages, ninja=result.ninja)
        write_rebuild_record(
            folder,
            distribution=self.distribution.get_name(),
            request=request,
            result=result,
            config_settings=self._context.config_settings,
        )

    def _write_build_record(self, request: BuildRequest, result: BuildResult) -> None:
        root = Path.cwd()
        record = build_record.render(
            tvm_ffi_version=str(result.sdk.version),
            abi_floor=str(abi_floor(project_of(self.distribution), result.sdk.version)),
            platform=request.platform,
            compilers=result.toolchain.compilers,
            libraries=[
                build_record.LibraryRecord(
                    extension=library.settings.name,
                    target=library.settings.target,
                    path=str(self._path_in_wheel(library.settings)),
                    sha256=library.sha256,
                    arguments=library.plan.arguments,
                    source_arguments=library.plan.source_arguments,
                )
                for library in result.libraries
            ],
            root=str(root),
            environment=stable_names(str(root)),
        )
        replace_file(Path(build_folder(self), build_record.FILENAME), record)

    def _write_sbom(self, request: BuildRequest, result: BuildResult) -> None:
        if not request.project.settings.sbom:
            return
        metadata = self.distribution.metadata
        package = sbom.MainComponent(
            name=self.distribution.get_name(),
            version=self.distribution.get_version(),
            license=getattr(metadata, "license_expression", None),
            summary=metadata.description,
        )
        date = declared_date(os.environ)
        content = provenance.make_sbom(package, request.project, result, request.root, date)
        replace_file(Path(request.folder, sbom.PATH), content)


def _zig_host(target: Target) -> Host:
    from ...cross.zig_host import ZigHost  # noqa: PLC0415 - only builds for a target need Zig

    return ZigHost(target)


def _check_architectures(result: BuildResult) -> None:
    """Warn about libraries that run only on this machine's GPUs.

    The tag of a wheel does not name GPUs, so pip installs such a wheel on machines with other GPUs.
    """
    for library in result.libraries:
        for place in library.settings.native_places() if "cuda" in library.plan.arguments else ():
            logger.warning(
                "%s: warning: %s: 'native' compiles only for the GPUs of this machine, so the "
                "wheel may not work with other GPUs; list the architectures before you publish the "
                "wheel",
                *(PREFIX, place),
            )


def _check_committed(project: Project, stubs: Sequence[StubFile]) -> None:
    """Warn about committed stubs that are out of date, or raise an error.

    :raises BuildError: a stub is out of date, and the setting `stubs` is not `warn`.
    """
    stale = stale_files(stubs)
    if not stale or not any(stub.is_generated for stub in stubs):
        return
    names = ", ".join(stub.source.as_posix() for stub in stale)
    why = cause(stale)
    message = f"stubs in the source tree are out of date: {names}{why and f' ({why})'}"
    hint = "run 'setuptools-tvm-ffi stubs' to update them"
    if project.settings.stubs == "warn":
        logger.warning("%s: warning: %s; %s", PREFIX, message, hint)
        return
    diffs = "".join(stub.unified_diff() for stub in stale)
    raise BuildError(f"{project.place('stubs')}: {message}\n{diffs}", hint=hint)
