# SPDX-License-Identifier: Apache-2.0
"""What the stubs of each library of a distribution depend on: files, and other libraries."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..base.errors import ConfigurationError
from ..building.model import BuildResult, BuiltLibrary
from ..project.package_tree import PackageTree
from ..settings import ExtensionSettings
from . import directives

#: The files of a package, by path below the folder that holds the package.
PythonFiles = Mapping[PurePosixPath, bytes]


@dataclass(frozen=True)
class StubRequest:
    """All that the stubs of one library depend on.

    :param library: the built library, relative to the project's root.
    :param library_digest: SHA-256 of it, hexadecimal.
    :param siblings: libraries that it links with, and theirs, with their digests; they are loaded
        before it, in this order.
    :param others: further libraries of the distribution, which blocks of its files may be about;
        they are loaded after it.
    :param stand_ins: files that stand in for libraries of a driver that this machine lacks.
    :param other_prefixes: those below its own that belong to other libraries.
    :param other_targets: of the other libraries of the distribution.
    :param package_prefixes: of every library of the distribution whose prefixes become packages.
    :param files: those below the extension's package, or in its crate, that stubs are made of or
        may replace.
    :param modules: all Python files there.
    :param crate: the folder of the crate that stubs for Rust are for, relative to the project's
        root; ``None`` where they are for Python.
    :param strict: whether names that no stub can have are refused.
    """

    settings: ExtensionSettings
    distribution: str
    library: Path
    library_digest: str
    tvm_ffi_version: str
    files: PythonFiles
    siblings: Mapping[Path, str] = field(default_factory=dict)
    others: Mapping[Path, str] = field(default_factory=dict)
    other_prefixes: tuple[str, ...] = ()
    other_targets: tuple[str, ...] = ()
    package_prefixes: tuple[str, ...] = ()
    modules: frozenset[PurePosixPath] = frozenset()
    stand_ins: tuple[str, ...] = ()
    crate: Path | None = None
    strict: bool = False


def is_relevant(path: PurePosixPath, content: bytes) -> bool:
    """Whether a generator would read, fill, append to or replace this file."""
    return (
        path.name in {"__init__.py", "_ffi_api.py", "__init__.pyi", "_ffi_api.pyi"}
        or directives.MARKER.encode() in content
    )


def stub_requests(
    result: BuildResult, distribution: str, tree: PackageTree, *, strict: bool = False
) -> list[StubRequest]:
    """Return a request for each library that was built.

    :param strict: whether names that no stub can have are refused.
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
            others={Path(path): digests[path] for path in _others(library, result.libraries)},
            other_prefixes=_prefixes_below(library.settings, every),
            other_targets=tuple(s.target for s in every if s.target != library.settings.target),
            package_prefixes=tuple(s.prefix for s in every if s.stubs == "init"),
            tvm_ffi_version=str(result.sdk.version),
            files=_crate_files(library.settings) or _files(library.settings, every, tree),
            crate=_crate(library.settings),
            modules=_modules(library.settings, tree),
            strict=strict,
            stand_ins=tuple(
                file for device in result.toolchain.devices.values() for file in device.stand_ins
            ),
        )
        for library in result.libraries
    ]


def _files(
    settings: ExtensionSettings, every: Sequence[ExtensionSettings], tree: PackageTree
) -> dict[PurePosixPath, bytes]:
    """Return the files that the stubs of one library depend on.

    Those of its package and below, whether or not setuptools packs them: a file that is there
    is not to be taken for one that is missing. Packages of another library are left to it.
    """
    if settings.stubs == "none" or settings.stubs_target != "python":
        return {}
    others = _prefixes_below(settings, every)
    files = {}
    for package, folder in tree.folders(settings.package):
        if f"{package}.".startswith(others):
            continue
        for file in sorted(folder.glob("*")):
            path = PurePosixPath(*package.split("."), file.name)
            if file.suffix in {".py", ".pyi"} and file.is_file():
                content = file.read_bytes()
                if is_relevant(path, content):
                    files[path] = content
    return files


def _crate(settings: ExtensionSettings) -> Path | None:
    """Return the folder of the crate, relative to the project's root, which is the current one.

    :raises ConfigurationError: there is none, or it lies outside the project.
    """
    if settings.stubs_target != "rust" or settings.stubs == "none":
        return None
    place = settings.place("stubs_crate")
    crate = Path(os.path.normpath(settings.stubs_crate))
    if crate.is_absolute() or crate.parts[:1] == ("..",):
        raise ConfigurationError(f"{place} is {settings.stubs_crate!r}, outside the project")
    if not (crate / "Cargo.toml").is_file():
        raise ConfigurationError(
            f"{place}: there is no {(crate / 'Cargo.toml').as_posix()}",
            hint="name the folder of the Cargo crate that the stubs are for",
        )
    return crate


def _crate_files(settings: ExtensionSettings) -> dict[PurePosixPath, bytes]:
    """Return the files of a crate, by path below its folder, that its stubs depend on."""
    crate = _crate(settings)
    if crate is None:
        return {}
    files = [crate / "Cargo.toml", *sorted((crate / "src").rglob("*.rs"))]
    return {PurePosixPath(file.relative_to(crate).as_posix()): file.read_bytes() for file in files}


def _modules(settings: ExtensionSettings, tree: PackageTree) -> frozenset[PurePosixPath]:
    """Return every Python file of a package and below, which a prefix might have the name of."""
    if settings.stubs == "none":
        return frozenset()
    return frozenset(
        PurePosixPath(*package.split("."), file.name)
        for package, folder in tree.folders(settings.package)
        for file in folder.glob("*.py")
    )


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
