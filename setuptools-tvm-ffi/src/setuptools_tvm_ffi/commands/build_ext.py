# SPDX-License-Identifier: Apache-2.0
"""``build_ext``: builds the libraries and their stubs, and puts them where they belong.

A regular build writes below ``build_lib`` only. An editable one puts the libraries into the
wheel and refreshes the stubs in the source tree, where the package is imported from.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name
from setuptools.command.build_ext import build_ext

from .. import build_record, editable_rebuild
from ..attachment import BuildContext, build_context_of, project_of
from ..errors import PREFIX, BuildError, ConfigurationError
from ..extension import TVMFFIExtension, check_together
from ..file_replacement import replace_file
from ..libraries import (
    BuildRequest,
    BuildResult,
    BuiltLibrary,
    build_libraries,
    remove_objects,
)
from ..settings import ExtensionSettings, Project
from ..sources import find_headers, find_sources, searched_folders
from ..stubs import StubRequest, generate_stubs
from ..stubs.generation import is_relevant
from ..toolchains import library_filename, system_of
from ..tvm_ffi_process import TVMFFIProcess
from .build_folder import build_folder, locked_build_folder
from .requirement import abi_floor

logger = logging.getLogger(__name__)

_LIBRARY_MODE = 0o755
_PLAIN_MODE = 0o644


class BuildExtMixin(build_ext):
    """Handles each `TVMFFIExtension`; leaves others to the class it is combined with."""

    # What this build put into `build_lib`, or in editable mode would have, by path in the wheel.
    _stub_sources: dict[PurePosixPath, Path]
    _stubs: dict[PurePosixPath, bytes]
    _shipped: list[tuple[PurePosixPath, bytes, int]]

    def initialize_options(self) -> None:
        """Set what setuptools reads before a command has run."""
        super().initialize_options()
        self._stub_sources = {}
        self._stubs = {}
        self._shipped = []

    def finalize_options(self) -> None:
        """Take over what the hook was told."""
        super().finalize_options()
        if self._context.rebuild_into is not None:
            self.editable_mode = True  # type: ignore[misc] # setuptools' own way to set it

    def build_extensions(self) -> None:
        """Build ours as one plan, then the others one by one."""
        ours = self._tvm_ffi_settings()
        if ours:
            check_together(ours)
            self._check_packages(ours)
            request = self._request(ours)
            for line in request.project.lines():
                logger.info("%s: %s", PREFIX, line)
            with locked_build_folder(self), TVMFFIProcess(request.root) as process:
                if self.force:
                    remove_objects(request)
                result = build_libraries(request, process)
                self._place(request, result, process)
        if self._context.rebuild_into is None:
            with self._other_extensions():
                super().build_extensions()

    def get_ext_filename(self, fullname: str) -> str:
        """Return the library's path below ``build_lib``."""
        extension = self.ext_map.get(fullname)
        if not isinstance(extension, TVMFFIExtension):
            name = super().get_ext_filename(fullname)  # type: ignore[no-untyped-call] # setuptools'
            return str(name)
        return str(_path_in_wheel(extension.settings))

    def get_source_files(self) -> list[str]:
        """Return what an sdist has to hold, with globs expanded."""
        root = Path.cwd()
        with self._other_extensions():
            files = list(super().get_source_files())
        for settings in self._tvm_ffi_settings():
            found = find_sources(settings, root, build_base=root / self._build_base())
            headers = find_headers(settings, found, root, build_base=root / self._build_base())
            files += map(str, (*found, *headers))
            named = (*settings.depends, *settings.extra_objects)
            files += [f for f in named if not os.path.isabs(f)]
        return files

    def get_outputs(self) -> list[str]:
        """Return what lies below ``build_lib`` after a build."""
        with self._other_extensions():
            outputs = list(super().get_outputs())
        if not self.editable_mode:
            paths = {_path_in_wheel(settings) for settings in self._tvm_ffi_settings()}
            paths |= {path for path, _, _ in self._shipped}
            outputs += [os.path.join(self.build_lib, path) for path in sorted(paths)]
        return outputs + [os.path.join(self.build_lib, path) for path in self._stub_sources]

    def get_output_mapping(self) -> dict[str, str]:
        """Return, for strict editable installs, which output is which file of the source tree."""
        with self._other_extensions():
            mapping = dict(super().get_output_mapping())
        if self.editable_mode:
            for path, source in self._stub_sources.items():
                mapping[os.path.join(self.build_lib, path)] = str(source)
        return mapping

    def copy_extensions_to_source(self) -> None:
        """Put libraries and stubs into the source tree for ``build_ext --inplace``."""
        with self._other_extensions():
            super().copy_extensions_to_source()
        if self.editable_mode:
            return  # they are in the wheel, where load_lib_module finds them
        for path, content, mode in self._shipped:
            # Its package's folder, and below that what has no package, as a .dSYM.
            replace_file(self._source_of(path), content, mode=mode)
        for path, content in self._stubs.items():
            replace_file(self._source_of(path), content)

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

    def _finalized(self, command: str) -> Any:  # noqa: ANN401 - its class is the project's affair
        return self.get_finalized_command(command)

    def _build_base(self) -> str:
        return str(self._finalized("build").build_base)

    def _request(self, settings: tuple[ExtensionSettings, ...]) -> BuildRequest:
        root = Path.cwd()
        return BuildRequest(
            extensions=settings,
            project=self._project(),
            root=root,
            folder=build_folder(self),
            build_base=root / self._build_base(),
            platform=self.plat_name,
        )

    def _project(self) -> Project:
        """Return the project's settings, and above them the options of this command."""
        project = project_of(self.distribution)
        options: dict[str, tuple[Any, str]] = {}
        if self.parallel and self.parallel is not True:
            options["jobs"] = (int(self.parallel), "build_ext --parallel")
        if self.debug:
            options["build_type"] = ("debug", "build_ext --debug")
        return dataclasses.replace(
            project,
            settings=dataclasses.replace(
                project.settings, **{name: value for name, (value, _) in options.items()}
            ),
            origins={**project.origins, **{name: origin for name, (_, origin) in options.items()}},
        )

    def _check_packages(self, every: Sequence[ExtensionSettings]) -> None:
        packages = self.distribution.packages or []
        for settings in every:
            if settings.package not in packages:
                found = ", ".join(packages) or "none"
                raise ConfigurationError(
                    f"extension {settings.name!r}: its package {settings.package!r} is not one of "
                    f"the distribution's packages ({found})",
                    hint=f"create {settings.package.replace('.', '/')}/__init__.py, "
                    "or correct tool.setuptools.packages",
                )
            prefix = settings.prefix.rstrip(".")
            if settings.stubs == "init" and not f"{prefix}.".startswith(f"{settings.package}."):
                raise ConfigurationError(
                    f"extension {settings.name!r}: registry_prefix {prefix!r} lies outside the "
                    f"package {settings.package!r}, where stubs are created",
                    hint="use stubs='directives' and write the blocks where the package wants "
                    "them, or register names under the package",
                )

    def _place(self, request: BuildRequest, result: BuildResult, process: TVMFFIProcess) -> None:
        root = request.root
        every = [library.settings for library in result.libraries]
        # All of it is made before any of it is placed: a build that fails leaves what was there.
        stubs: dict[PurePosixPath, bytes] = {}
        known: set[PurePosixPath] = set()
        digests = {library.plan.library: library.sha256 for library in result.libraries}
        for library in result.libraries:
            wanted = StubRequest(
                settings=library.settings,
                distribution=self.distribution.get_name(),
                library=Path(library.plan.library),
                library_digest=library.sha256,
                siblings={Path(path): digests[path] for path in library.plan.siblings},
                others={Path(path): digests[path] for path in _others(library, result.libraries)},
                other_prefixes=_prefixes_below(library.settings, every),
                tvm_ffi_version=str(result.sdk.version),
                files=self._python_files(library.settings, every),
            )
            folder = Path(library.plan.library).parent
            stubs.update(generate_stubs(wanted, process, root=root, folder=folder))
            known.update(wanted.files)
        for path in set(stubs) - known:
            if self._source_of(path).exists():  # it should have been read
                raise BuildError(f"{self._source_of(path)}: would be overwritten by a new stub")
        if self.editable_mode:
            self._place_editable(request, result, stubs)
        else:
            self._place_in_build_lib(result.libraries, stubs)
        self._stubs = stubs
        self._write_record(result)

    def _place_editable(
        self, request: BuildRequest, result: BuildResult, stubs: dict[PurePosixPath, bytes]
    ) -> None:
        # setuptools points `install` at the unpacked wheel for what is not editable. The folder's
        # name is no identifier, so that it cannot shadow the package.
        wheel = Path(self._finalized("install").install_lib)
        folder = Path(self._context.rebuild_into or wheel / f"{self._identifier()}.libs")
        for library in result.libraries:
            for path, content, mode in _shipped_files(library, PurePosixPath()):
                replace_file(folder / path, content, mode=mode)
        for path, content in stubs.items():
            self._stub_sources[path] = self._source_of(path)
            replace_file(self._source_of(path), content)
        if self._context.rebuild_into is not None:
            known = json.loads((folder / editable_rebuild.RECORD).read_text(encoding="utf-8"))
            self._write_rebuild_record(request, result, folder, known["tools"])
        elif request.project.settings.editable_rebuild:
            tools = editable_rebuild.pack_tools(result.ninja)
            replace_file(folder / editable_rebuild.TOOLS, tools)
            self._write_rebuild_record(request, result, folder, editable_rebuild.digest_of(tools))
            packages = self._outermost_packages(request.extensions)
            for name, content in editable_rebuild.hook_files(self._identifier(), packages).items():
                replace_file(wheel / name, content)

    def _write_rebuild_record(
        self, request: BuildRequest, result: BuildResult, folder: Path, tools: str
    ) -> None:
        searched = {
            str(path): None
            for settings in request.extensions
            for path in searched_folders(settings, request.root, build_base=request.build_base)
        }
        record = editable_rebuild.make_record(
            distribution=self.distribution.get_name(),
            root=request.root,
            folder=request.folder,
            manifest=request.manifest,
            tools=tools,
            environment=os.environ,
            config_settings=self._context.config_settings,
            libraries=[library.plan.library for library in result.libraries],
            folders=searched,
        )
        editable_rebuild.write_record(record, folder)

    def _outermost_packages(self, every: Sequence[ExtensionSettings]) -> list[str]:
        """Return the packages whose import comes before that of any with a library in it."""
        packages = self.distribution.packages or []
        return sorted(
            {
                min((p for p in packages if f"{e.package}.".startswith(f"{p}.")), key=len)
                for e in every
            }
        )

    def _identifier(self) -> str:
        return canonicalize_name(self.distribution.get_name()).replace("-", "_")

    def _place_in_build_lib(
        self, libraries: Sequence[BuiltLibrary], stubs: dict[PurePosixPath, bytes]
    ) -> None:
        build_lib = Path(self.build_lib)
        self._shipped = [
            shipped
            for library in libraries
            for shipped in _shipped_files(library, _path_in_wheel(library.settings).parent)
        ]
        self._remove_what_was_placed_before({path for path, _, _ in self._shipped} | set(stubs))
        for path, content, mode in self._shipped:
            replace_file(build_lib / path, content, mode=mode)
        for path, content in stubs.items():
            replace_file(build_lib / path, content, mode=_PLAIN_MODE)
            self._stub_sources[path] = self._source_of(path)

    def _remove_what_was_placed_before(self, placed: set[PurePosixPath]) -> None:
        """Keep a library that was renamed, or a stub of a prefix that is gone, out of the wheel.

        setuptools packs whatever ``build_lib`` holds, and copies a source only over an older file.
        """
        memory = Path(build_folder(self), "placed.json")
        key = os.path.abspath(self.build_lib)
        try:
            known = json.loads(memory.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        for name in set(known.get(key, [])) - set(map(str, placed)):
            path, source = Path(self.build_lib, name), self._source_of(PurePosixPath(name))
            if source.is_file() and source.suffix in {".py", ".pyi"}:
                replace_file(path, source.read_bytes())
            else:
                path.unlink(missing_ok=True)
        known[key] = sorted(map(str, placed))
        replace_file(memory, json.dumps(known, indent=1).encode())

    def _python_files(
        self, settings: ExtensionSettings, every: Sequence[ExtensionSettings]
    ) -> dict[PurePosixPath, bytes]:
        """Return the Python files that the stubs of one library depend on.

        Those of its package and below, whether or not setuptools packs them: a file that is there
        is not to be taken for one that is missing. Packages of another library are left to it.
        """
        if settings.stubs == "none":
            return {}
        others = _prefixes_below(settings, every)
        files = {}
        for package, folder in self._package_folders(settings.package):
            if f"{package}.".startswith(others):
                continue
            for file in sorted(folder.glob("*.py*")):
                path = PurePosixPath(*package.split("."), file.name)
                if file.suffix in {".py", ".pyi"} and file.is_file():
                    content = file.read_bytes()
                    if is_relevant(path, content):
                        files[path] = content
        return files

    def _package_folders(self, package: str) -> Iterator[tuple[str, Path]]:
        """Yield a package and those below it with the folders they lie in."""
        build_py = self._finalized("build_py")
        listed = {
            name: Path(build_py.get_package_dir(name))
            for name in self.distribution.packages or ()
            if f"{name}.".startswith(f"{package}.")
        }
        top = Path(build_py.get_package_dir(package))
        for parent, folders, _ in os.walk(top):
            folders[:] = sorted(f for f in folders if f.isidentifier() and f != "__pycache__")
            name = ".".join((package, *Path(parent).relative_to(top).parts))
            if name not in listed:
                yield name, Path(parent)
        yield from listed.items()

    def _source_of(self, path: PurePosixPath) -> Path:
        build_py = self._finalized("build_py")
        parts = path.parent.parts
        package = next(
            (length for length in range(len(parts), 0, -1) if _is_dotted(parts[:length])), 0
        )
        folder = build_py.get_package_dir(".".join(parts[:package]))
        return Path(folder, *parts[package:], path.name)

    def _write_record(self, result: BuildResult) -> None:
        root = Path.cwd()
        record = build_record.render(
            tvm_ffi_version=str(result.sdk.version),
            abi_floor=str(abi_floor(project_of(self.distribution), result.sdk.version)),
            platform=self.plat_name,
            compilers=result.toolchain.compilers,
            libraries=[
                build_record.LibraryRecord(
                    extension=library.settings.name,
                    target=library.settings.target,
                    path=str(_path_in_wheel(library.settings)),
                    sha256=library.sha256,
                    arguments=library.plan.arguments,
                )
                for library in result.libraries
            ],
            root=str(root),
        )
        replace_file(Path(build_folder(self), build_record.FILENAME), record)


def _path_in_wheel(settings: ExtensionSettings) -> PurePosixPath:
    filename = library_filename(system_of(sys.platform), settings.target)
    return PurePosixPath(*settings.package.split("."), filename)


def _is_dotted(parts: Sequence[str]) -> bool:
    return all(part.isidentifier() for part in parts)


def _shipped_files(
    library: BuiltLibrary, folder: PurePosixPath
) -> Iterator[tuple[PurePosixPath, bytes, int]]:
    """Yield path, content and permissions of a library and its companions."""
    yield folder / Path(library.plan.library).name, library.content, _LIBRARY_MODE
    for path, content in library.companions.items():
        yield folder / path, content, _PLAIN_MODE


def _others(library: BuiltLibrary, every: Sequence[BuiltLibrary]) -> Iterator[str]:
    """Yield the libraries that may register what blocks of a library's files are about.

    In the order in which they can be loaded, each after those that it links with.
    """
    if library.settings.stubs != "directives":
        return
    loaded = {library.plan.library, *library.plan.siblings}
    for other in every:
        for path in (*other.plan.siblings, other.plan.library):
            if path not in loaded:
                loaded.add(path)
                yield path


def _prefixes_below(
    settings: ExtensionSettings, every: Sequence[ExtensionSettings]
) -> tuple[str, ...]:
    """Return the registry prefixes of other libraries that lie below that of one.

    What has them is left to their own libraries.
    """
    return tuple(
        other.prefix
        for other in every
        if other.stubs != "none"
        and other.prefix != settings.prefix
        and other.prefix.startswith(settings.prefix)
    )
