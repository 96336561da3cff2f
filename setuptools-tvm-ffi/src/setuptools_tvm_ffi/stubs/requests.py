# SPDX-License-Identifier: Apache-2.0
"""Collects the inputs of each library's stubs: settings, files of the package, and libraries."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..base.errors import ConfigurationError
from ..building.request import BuildResult, BuiltLibrary
from ..project.package_tree import PackageTree
from ..settings import ExtensionSettings
from .directives import API_MODULE, MARKER

#: The content of each file of a package. The paths are relative to the parent folder of the
#: top-level package.
PythonFiles = Mapping[PurePosixPath, bytes]


@dataclass(frozen=True)
class StubRequest:
    """The inputs of the stubs of one library.

    :param library: the path of the built library, relative to the project's root.
    :param library_digest: the SHA-256 of the library, hexadecimal.
    :param files: the files that the stub generator reads, fills or replaces. For Python stubs, they
        are files of the package; for Rust stubs, files of the crate.
    :param siblings: the libraries that the library links with, directly or indirectly, and their
        digests. The child loads the siblings in this order, before the library.
    :param others: further libraries of the distribution, and their digests. Blocks in the package
        may refer to names of these libraries. The child loads these libraries after the library.
    :param together: in the request of the first library, all further libraries of the distribution,
        and their digests; in other requests, empty. The child loads these libraries last, to check
        that one process can load all libraries.
    :param is_linked: whether another library of the distribution links with the library.
    :param folders: for each package's dotted name, the folder relative to the project's root.
    :param other_prefixes: the registry prefixes that start with this library's prefix, but belong
        to other libraries.
    :param other_targets: the names of the other libraries of the distribution.
    :param package_prefixes: the registry prefixes of all libraries with ``stubs = "init"``.
    :param modules: the paths of all Python files of the package.
    :param stand_ins: folders that contain libraries of a GPU toolkit and stubs of the GPU driver.
        If the system's loader does not find a library of the toolkit or driver, the child loads a
        library of the same name from these folders.
    :param crate: the folder of the Cargo crate for Rust stubs, relative to the project's root;
        ``None`` for Python stubs.
    :param strict: whether the build fails if a registered name gets no stub.
    """

    settings: ExtensionSettings
    distribution: str
    library: Path
    library_digest: str
    tvm_ffi_version: str
    files: PythonFiles
    siblings: Mapping[Path, str] = field(default_factory=dict)
    others: Mapping[Path, str] = field(default_factory=dict)
    together: Mapping[Path, str] = field(default_factory=dict)
    is_linked: bool = False
    folders: Mapping[str, str] = field(default_factory=dict)
    other_prefixes: tuple[str, ...] = ()
    other_targets: tuple[str, ...] = ()
    package_prefixes: tuple[str, ...] = ()
    modules: frozenset[PurePosixPath] = frozenset()
    stand_ins: tuple[str, ...] = ()
    crate: Path | None = None
    strict: bool = False


def stub_requests(
    result: BuildResult, distribution: str, tree: PackageTree, *, strict: bool = False
) -> list[StubRequest]:
    """Return a request for each built library.

    :param strict: see `StubRequest`.
    """
    every = [library.settings for library in result.libraries]
    digests = {library.plan.library: library.sha256 for library in result.libraries}
    return [
        StubRequest(
            settings=library.settings,
            distribution=distribution,
            library=Path(library.plan.library),
            library_digest=library.sha256,
            siblings={Path(path): digests[path] for path in library.plan.siblings},
            others={
                Path(path): digests[path]
                for path in _others(library, result.libraries)
                # Blocks in the user's files may refer to names that any library registers.
                if library.settings.stubs == "directives"
            },
            together={
                Path(path): digests[path]
                for path in _others(library, result.libraries)
                if library is result.libraries[0]
            },
            is_linked=any(
                library.plan.library in other.plan.siblings for other in result.libraries
            ),
            folders=_folders(library.settings, tree),
            other_prefixes=_prefixes_below(library.settings, every),
            other_targets=tuple(s.target for s in every if s.target != library.settings.target),
            package_prefixes=tuple(s.prefix for s in every if s.stubs == "init"),
            tvm_ffi_version=str(result.sdk.version),
            files=_files(library.settings, every, tree),
            crate=_crate(library.settings),
            modules=_modules(library.settings, tree),
            strict=strict,
            stand_ins=tuple(
                os.path.abspath(folder)
                for device in result.toolchain.devices.values()
                for folder in device.library_dirs
            ),
        )
        for library in result.libraries
    ]


def _files(
    settings: ExtensionSettings, every: Sequence[ExtensionSettings], tree: PackageTree
) -> dict[PurePosixPath, bytes]:
    """Return the files that the stub generator needs from the package or from the crate.

    The result includes the files of subpackages, except subpackages that belong to other libraries.
    The result also includes files that setuptools does not copy into the wheel, because the stub
    generator would create these files again if they were missing.
    """
    if settings.stubs == "none":
        return {}
    crate = _crate(settings)
    if crate is not None:
        sources = [crate / "Cargo.toml", *sorted((crate / "src").rglob("*.rs"))]
        return {PurePosixPath(f.relative_to(crate).as_posix()): f.read_bytes() for f in sources}
    others = _prefixes_below(settings, every)
    files = {}
    for package, folder in tree.folders(settings.package):
        if f"{package}.".startswith(others):
            continue
        for file in sorted(folder.glob("*")):
            if file.suffix in {".py", ".pyi"} and file.is_file():
                content = file.read_bytes()
                if file.stem in {"__init__", API_MODULE} or MARKER.encode() in content:
                    files[PurePosixPath(*package.split("."), file.name)] = content
    return files


def _folders(settings: ExtensionSettings, tree: PackageTree) -> dict[str, str]:
    """Return the folders of a package, its subpackages and its parent packages, by dotted name."""
    if settings.stubs == "none" or settings.stubs_target != "python":
        return {}
    parts = settings.package.split(".")
    parents = (".".join(parts[:length]) for length in range(1, len(parts)))
    return {
        **{name: tree.folder_of(name) for name in parents},
        **{name: folder.as_posix() for name, folder in tree.folders(settings.package)},
    }


def _crate(settings: ExtensionSettings) -> Path | None:
    """Return the folder of the Cargo crate, relative to the current folder.

    :raises ConfigurationError: the crate does not exist, or is outside the project.
    """
    if settings.stubs_target != "rust" or settings.stubs == "none":
        return None
    place = settings.place("stubs_crate")
    crate = Path(os.path.normpath(settings.stubs_crate))
    if crate.is_absolute() or crate.parts[:1] == ("..",):
        raise ConfigurationError(f"{place}: {settings.stubs_crate!r} is outside the project")
    if not (crate / "Cargo.toml").is_file():
        raise ConfigurationError(
            f"{place}: {(crate / 'Cargo.toml').as_posix()} does not exist",
            hint="set this key to the folder of the crate, which contains Cargo.toml",
        )
    return crate


def _modules(settings: ExtensionSettings, tree: PackageTree) -> frozenset[PurePosixPath]:
    """Return the paths of all modules of a package and its subpackages.

    A registry prefix that has the name of such a module cannot become a package.
    """
    if settings.stubs == "none":
        return frozenset()
    return frozenset(
        PurePosixPath(*package.split("."), file.name)
        for package, folder in tree.folders(settings.package)
        for file in folder.glob("*.py")
    )


def _others(library: BuiltLibrary, every: Sequence[BuiltLibrary]) -> Iterator[str]:
    """Yield the other libraries: not `library`, and not the libraries that `library` links with.

    The order is suitable for loading: if a library A links with a library B, B comes before A.
    """
    loaded = {library.plan.library, *library.plan.siblings}
    for other in every:
        for path in (*other.plan.siblings, other.plan.library):
            if path not in loaded:
                loaded.add(path)
                yield path


def _prefixes_below(
    settings: ExtensionSettings, every: Sequence[ExtensionSettings]
) -> tuple[str, ...]:
    """Return registry prefixes of other libraries.

    The result contains only prefixes that start with the prefix in `settings`.
    """
    return tuple(
        other.prefix
        for other in every
        if other.stubs != "none"
        and other.prefix != settings.prefix
        and other.prefix.startswith(settings.prefix)
    )
