# SPDX-License-Identifier: Apache-2.0
"""Collects the components of a wheel for the SBOM, and checks the setting `vendored`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..base.errors import ConfigurationError
from ..base.file_digest import digest_of
from ..building.plan import siblings_of
from ..building.request import BuildResult, BuiltLibrary
from ..settings import ExtensionSettings, Project
from ..settings.model import VendoredSettings
from ..toolchains import StaticPart, Toolchain, linked_devices, path_in_wheel
from . import sbom


def check_vendored(project: Project, root: Path) -> None:
    """Check the entries of the setting `vendored`.

    :raises ConfigurationError: a file is missing or outside the project, or two entries describe
        the same code.
    """
    seen: dict[str, VendoredSettings] = {}
    for vendored in project.settings.vendored:
        key = f"{vendored.name} {vendored.version or ''}"
        if vendored.path is not None:
            _check_path(vendored, vendored.path, root)
            key = _relative(vendored.path, root)
        other = seen.setdefault(key, vendored)
        if other is not vendored:
            what = "path" if vendored.path is not None else "name"
            raise ConfigurationError(
                f"{vendored.place(what)}: {key.strip()!r} is already described in "
                f"{other.place(what)}"
            )


def _check_path(vendored: VendoredSettings, path: str, root: Path) -> None:
    place = vendored.place("path")
    if root not in Path(os.path.normpath(root / path)).parents:
        raise ConfigurationError(
            f"{place}: {path!r} lies outside the project",
            hint="an sdist cannot contain the file: replace 'path' with 'purl'",
        )
    if not (root / path).is_file():
        raise ConfigurationError(
            f"{place}: {path!r}: no such file",
            hint=f"paths are relative to {root}; if this is a folder, name the archive that the "
            "folder was unpacked from, or omit 'path'",
        )


def make_sbom(
    package: sbom.MainComponent, project: Project, result: BuildResult, root: Path, date: int | None
) -> bytes:
    """Return the SBOM of a wheel.

    :param result: the build whose libraries the wheel contains.
    :param date: the source date in seconds since 1970, or ``None`` to omit the timestamp.
    """
    described = {
        _relative(vendored.path, root): vendored
        for vendored in project.settings.vendored
        if vendored.path is not None
    }
    inside = {file for library in result.libraries for file in _prebuilt(library.settings, root)}
    return sbom.render(
        package=package,
        tvm_ffi_version=str(result.sdk.version),
        compilers=result.toolchain.compilers,
        libraries=[_library(library, result, described, root) for library in result.libraries],
        parts=[
            _described(vendored, root)
            for vendored in project.settings.vendored
            if vendored.path is None or _relative(vendored.path, root) not in inside
        ],
        date=date,
    )


def _library(
    library: BuiltLibrary,
    result: BuildResult,
    described: Mapping[str, VendoredSettings],
    root: Path,
) -> sbom.Library:
    settings = library.settings
    system = result.toolchain.system
    every = [other.settings for other in result.libraries]
    return sbom.Library(
        path=str(path_in_wheel(settings, system)),
        sha256=library.sha256,
        links_tvm_ffi=settings.link_header or settings.link_shared,
        siblings=[str(path_in_wheel(sibling, system)) for sibling in siblings_of(settings, every)],
        parts=[
            *(
                _described(described[file], root)
                if file in described
                else sbom.Part(
                    Path(file).name, path=file, sha256=digest_of(root / file), kind="file"
                )
                for file in _prebuilt(settings, root)
            ),
            *(
                sbom.Part(name, version, publisher=publisher)
                for name, version, publisher in _static_parts(library, result.toolchain)
            ),
        ],
    )


def _prebuilt(settings: ExtensionSettings, root: Path) -> list[str]:
    """Return the paths of a library's prebuilt inputs: objects, archives and embedded files."""
    embedded = (entry.file for entry in settings.embed if entry.file is not None)
    files = (_relative(file, root) for file in (*settings.extra_objects, *embedded))
    return list(dict.fromkeys(files))


def _static_parts(library: BuiltLibrary, toolchain: Toolchain) -> Iterator[StaticPart]:
    languages = set(library.plan.arguments)
    if toolchain.needs_cxx(library.settings):
        languages.add("cxx")
    yield from toolchain.static_parts(languages)
    for device in linked_devices(library.plan.settings, languages, toolchain.devices):
        yield from device.static_parts(library.settings)


def _described(vendored: VendoredSettings, root: Path) -> sbom.Part:
    path = None if vendored.path is None else _relative(vendored.path, root)
    return sbom.Part(
        name=vendored.name,
        version=vendored.version,
        license=vendored.license,
        purl=vendored.purl,
        path=path,
        sha256=None if path is None else digest_of(root / path),
    )


def _relative(path: str, root: Path) -> str:
    """Return the normalized path of a file, relative to the project's folder."""
    return Path(os.path.relpath(root / path, root)).as_posix()
