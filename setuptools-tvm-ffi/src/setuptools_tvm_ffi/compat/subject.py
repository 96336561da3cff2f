# SPDX-License-Identifier: Apache-2.0
"""The wheel under test: its libraries, their packages and its requirements."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import sys_tags
from packaging.utils import canonicalize_name

from ..archives.wheel_archive import WheelArchive, open_wheel
from ..base.errors import BuildError
from ..base.file_digest import digest_of
from ..ffi.releases import DISTRIBUTION

_SUFFIXES = {".so", ".dylib", ".dll"}

# In every binary format, a library that uses the TVM-FFI ABI contains names with this prefix.
_C_API = b"TVMFFI"


@dataclass(frozen=True)
class Subject:
    """The facts about a wheel that are needed to test the wheel.

    :param path: the absolute path of the wheel.
    :param sha256: the digest of the wheel, as hexadecimal digits.
    :param admits: the specifiers of the wheel's requirement on apache-tvm-ffi; ``None`` if the
        wheel has no such requirement.
    :param dependencies: the requirements for other distributions (PEP 508), except requirements of
        extras.
    :param packages: the packages that contain a library, parents before their subpackages.
    :param libraries: the paths of the libraries in the wheel.
    """

    path: Path
    sha256: str
    admits: SpecifierSet | None
    dependencies: tuple[str, ...]
    packages: tuple[str, ...]
    libraries: tuple[str, ...]


def read_subject(path: Path) -> Subject:
    """Read a wheel.

    :raises BuildError: the file is not a wheel, the wheel does not support this Python and
        platform, or the wheel contains no library that uses TVM-FFI.
    """
    with open_wheel(path) as wheel:
        if not wheel.tags & frozenset(sys_tags()):
            here = f"{platform.python_implementation()} {platform.python_version()}"
            raise BuildError(
                f"{path.name}: the wheel supports {', '.join(sorted(map(str, wheel.tags)))}, but "
                f"not {here} on {platform.system()} {platform.machine()}",
                hint="run compat with a Python and on a platform that the wheel supports",
            )
        metadata = wheel.headers("METADATA")
        libraries = _libraries(wheel)
        if not libraries:
            raise BuildError(f"{path.name}: the wheel contains no library that uses TVM-FFI")
        admits, dependencies = split_requirements(metadata.get_all("Requires-Dist") or [])
    return Subject(
        path=path.resolve(),
        sha256=digest_of(path),
        admits=admits,
        dependencies=dependencies,
        packages=packages_of(libraries),
        libraries=libraries,
    )


def split_requirements(
    requirements: Iterable[str],
) -> tuple[SpecifierSet | None, tuple[str, ...]]:
    """Return the specifiers for apache-tvm-ffi, and the requirements for other distributions.

    Requirements of extras are dropped. Requirements whose markers do not match this environment are
    dropped, too. The specifiers are ``None`` if the wheel does not require apache-tvm-ffi.

    :param requirements: the ``Requires-Dist`` fields of a wheel.
    """
    admits: SpecifierSet | None = None
    rest = []
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        requirement.marker = None
        if canonicalize_name(requirement.name) == DISTRIBUTION:
            admits = (admits or SpecifierSet()) & requirement.specifier
        else:
            rest.append(str(requirement))
    return admits, tuple(rest)


def packages_of(libraries: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the packages that contain libraries, parents before their subpackages.

    Folders that cannot be packages (``pkg.libs``) are skipped.

    >>> packages_of(["pkg/ops/libops.so", "pkg/libpkg.so", "pkg.libs/libz.so"])
    ('pkg', 'pkg.ops')
    """
    folders = {PurePosixPath(library).parent.parts for library in libraries}
    named = [parts for parts in folders if parts and all(part.isidentifier() for part in parts)]
    return tuple(".".join(parts) for parts in sorted(named))


def _libraries(wheel: WheelArchive) -> tuple[str, ...]:
    return tuple(
        name
        for name in sorted(wheel.members)
        if PurePosixPath(name).suffix in _SUFFIXES and _C_API in wheel.read(name)
    )
