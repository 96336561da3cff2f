# SPDX-License-Identifier: Apache-2.0
"""What the stubs of each library of a distribution depend on: files, and other libraries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from ..libraries import BuildResult, BuiltLibrary
from ..package_tree import PackageTree
from ..settings import ExtensionSettings
from .generation import StubRequest, is_relevant


def stub_requests(result: BuildResult, distribution: str, tree: PackageTree) -> list[StubRequest]:
    """Return a request for each library that was built."""
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
            tvm_ffi_version=str(result.sdk.version),
            files=_python_files(library.settings, every, tree),
            stand_ins=tuple(
                file for device in result.toolchain.devices.values() for file in device.stand_ins
            ),
        )
        for library in result.libraries
    ]


def _python_files(
    settings: ExtensionSettings, every: Sequence[ExtensionSettings], tree: PackageTree
) -> dict[PurePosixPath, bytes]:
    """Return the Python files that the stubs of one library depend on.

    Those of its package and below, whether or not setuptools packs them: a file that is there
    is not to be taken for one that is missing. Packages of another library are left to it.
    """
    if settings.stubs == "none":
        return {}
    others = _prefixes_below(settings, every)
    files = {}
    for package, folder in tree.folders(settings.package):
        if f"{package}.".startswith(others):
            continue
        for file in sorted(folder.glob("*.py*")):
            path = PurePosixPath(*package.split("."), file.name)
            if file.suffix in {".py", ".pyi"} and file.is_file():
                content = file.read_bytes()
                if is_relevant(path, content):
                    files[path] = content
    return files


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
