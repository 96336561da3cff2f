# SPDX-License-Identifier: Apache-2.0
"""What is tried: a wheel, the packages of it that have a library, and what else they need."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, sys_tags
from packaging.utils import canonicalize_name

from ..archives.wheel_archive import WheelArchive, open_wheel
from ..base.errors import BuildError
from ..base.file_digest import digest_of
from ..ffi.releases import DISTRIBUTION

_SUFFIXES = {".so", ".dylib", ".dll"}

# A library over the ABI refers to the functions of the C API by name, in every format.
_C_API = b"TVMFFI"


@dataclass(frozen=True)
class Subject:
    """A wheel, as far as trying it is concerned.

    :param path: the file, absolute.
    :param sha256: of the file, hexadecimal.
    :param admits: the releases of apache-tvm-ffi that its own requirement admits; ``None`` where
        it requires none, which admits all.
    :param dependencies: its other requirements, PEP 508, those of extras left out.
    :param packages: its packages that hold a library, an outer one before an inner one.
    :param libraries: paths in the wheel.
    """

    path: Path
    sha256: str
    admits: SpecifierSet | None
    dependencies: tuple[str, ...]
    packages: tuple[str, ...]
    libraries: tuple[str, ...]


def read_subject(path: Path) -> Subject:
    """Return what there is to try of a wheel.

    :raises BuildError: it is no wheel, not one for this Python and platform, or has no library.
    """
    with open_wheel(path) as wheel:
        _check_tags(path, wheel.tags, frozenset(sys_tags()))
        metadata = wheel.metadata()
        if canonicalize_name(metadata.get("Name") or "") == DISTRIBUTION:
            raise BuildError(
                f"{path.name}: that is {DISTRIBUTION} itself, which takes the place of each "
                "release that it is tried with"
            )
        _check_python(path, metadata.get("Requires-Python"))
        libraries = _libraries(wheel)
        if not libraries:
            raise BuildError(
                f"{path.name}: no library in it uses TVM-FFI, so there is nothing to try"
            )
        admits, dependencies = split_requirements(path, metadata.get_all("Requires-Dist") or [])
    return Subject(
        path=path.resolve(),
        sha256=digest_of(path),
        admits=admits,
        dependencies=dependencies,
        packages=packages_of(libraries),
        libraries=libraries,
    )


def split_requirements(
    path: Path, requirements: Iterable[str]
) -> tuple[SpecifierSet | None, tuple[str, ...]]:
    """Return what is required of apache-tvm-ffi, and the rest; without those of extras.

    :param requirements: the ``Requires-Dist`` of a wheel.
    :raises BuildError: one is none of PEP 508.
    """
    admits: SpecifierSet | None = None
    rest = []
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            raise BuildError(f"{path.name}: Requires-Dist: {text!r} is no requirement") from None
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        requirement.marker = None
        if canonicalize_name(requirement.name) == DISTRIBUTION:
            admits = (admits or SpecifierSet()) & requirement.specifier
        else:
            rest.append(str(requirement))
    return admits, tuple(rest)


def packages_of(libraries: Iterable[str]) -> tuple[str, ...]:
    """Return the packages that libraries lie in, by name, an outer one before an inner one.

    Folders that could be no package (``pkg.libs``) are left out; what lies in ``purelib`` or
    ``platlib`` of ``pkg-1.0.data`` is installed as if it lay outside.

    >>> packages_of(["pkg/ops/libops.so", "pkg/libpkg.so", "pkg.libs/libz.so"])
    ('pkg', 'pkg.ops')
    """
    folders = {_installed(PurePosixPath(library).parent.parts) for library in libraries}
    named = [parts for parts in folders if parts and all(part.isidentifier() for part in parts)]
    return tuple(".".join(parts) for parts in sorted(named))


def _installed(parts: tuple[str, ...]) -> tuple[str, ...]:
    in_data = len(parts) > 1 and parts[0].endswith(".data") and parts[1] in {"purelib", "platlib"}
    return parts[2:] if in_data else parts


def _libraries(wheel: WheelArchive) -> tuple[str, ...]:
    return tuple(
        name
        for name in sorted(wheel.members)
        if PurePosixPath(name).suffix in _SUFFIXES and _C_API in wheel.read(name)
    )


def _check_tags(path: Path, tags: frozenset[Tag], supported: frozenset[Tag]) -> None:
    if not tags & supported:
        here = f"{platform.python_implementation()} {platform.python_version()}"
        raise BuildError(
            f"{path.name}: this wheel is for {', '.join(sorted(map(str, tags)))}, and not for "
            f"{here} on {platform.system()} {platform.machine()}",
            hint="try it with a Python, on a machine, that it can be installed on",
        )


def _check_python(path: Path, requires_python: str | None) -> None:
    if requires_python is None:
        return
    try:
        allowed = SpecifierSet(requires_python).contains(
            platform.python_version(), prereleases=True
        )
    except InvalidSpecifier:
        raise BuildError(
            f"{path.name}: Requires-Python: {requires_python!r} is no specifier"
        ) from None
    if not allowed:
        raise BuildError(
            f"{path.name}: it requires Python {requires_python}, and this one is "
            f"{platform.python_version()}",
            hint="install setuptools-tvm-ffi with the Python to try it with",
        )
