# SPDX-License-Identifier: Apache-2.0
"""The supported releases of apache-tvm-ffi, and the requirements that packages declare."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..base.errors import BuildError, ConfigurationError

DISTRIBUTION = "apache-tvm-ffi"

#: Releases that were withdrawn. C++ vtables differ between these releases and 0.1.13.post2
#: (apache/tvm#20094).
WITHDRAWN = (Version("0.1.13"), Version("0.1.13.post0"))

# At run time, packages need `tvm_ffi.libinfo.load_lib_module`, which is new in 0.1.6. Builds also
# need the options `--init-*` of `tvm-ffi-stubgen`, which are new in 0.1.7.
_OLDEST_FLOOR = Version("0.1.6")
_OLDEST_BUILT_AGAINST = Version("0.1.7")

#: The requirement for build environments. It allows all releases that libraries can be built
#: against.
BUILD_REQUIREMENT = f"{DISTRIBUTION}>=0.1.7,!=0.1.13,!=0.1.13.post0,<0.2"


def is_unknown(version: Version) -> bool:
    """Whether a version such as 0.1.dev1+g0123abc comes from a Git clone without tags.

    In a clone without tags, setuptools-scm derives each version from 0.1, so the version identifies
    no release.
    """
    return version.is_devrelease and version < _OLDEST_BUILT_AGAINST


def check_built_against(version: Version) -> None:
    """Reject a release that was withdrawn, or that is older than the oldest supported release.

    :raises BuildError: the release is rejected; the message contains the reason.
    """
    if version < _OLDEST_BUILT_AGAINST:
        reason = f"0.1.7 is the oldest supported release: {version} has no tvm-ffi-stubgen --init-*"
    elif Version(version.public) in WITHDRAWN:
        reason = (
            "this release was withdrawn: C++ vtables differ between this release and "
            "0.1.13.post2, so libraries that use them break silently"
        )
    else:
        return
    raise BuildError(
        f"cannot build against {DISTRIBUTION} {version}: {reason}",
        hint=f"install another release: python -m pip install '{BUILD_REQUIREMENT}'",
    )


def parse_floor(text: str, *, where: str, built_against: Version | None) -> Version:
    """Return the declared ABI floor as a version.

    :param where: the file and dotted key that declare the floor. Error messages start with it.
    :param built_against: the release in the build environment, if it is known.
    :raises ConfigurationError: the floor is invalid, or newer than `built_against`.
    """
    try:
        floor = Version(text)
    except InvalidVersion:
        raise ConfigurationError(f"{where}: {text!r} is not a version") from None
    if floor < _OLDEST_FLOOR:
        raise ConfigurationError(
            f"{where}: {DISTRIBUTION} {floor} has no tvm_ffi.libinfo.load_lib_module, which the "
            "package needs to load its library",
            hint=f"set {_OLDEST_FLOOR} or newer",
        )
    if built_against is None or is_unknown(built_against):
        return floor
    if floor > built_against:
        raise ConfigurationError(
            f"{where}: the floor {floor} is newer than {DISTRIBUTION} {built_against}, "
            "which the library is built against",
            hint="delete the key: the default is the release that the library is built against",
        )
    return floor


def requirement_for(floor: Version) -> str:
    """Return the run-time requirement of a library with this ABI floor (PEP 508).

    >>> requirement_for(Version("0.1.15.post2"))
    'apache-tvm-ffi>=0.1.15.post2,<0.2'
    >>> requirement_for(Version("0.1.9"))
    'apache-tvm-ffi>=0.1.9,!=0.1.13,!=0.1.13.post0,<0.2'
    """
    # PEP 440 does not allow a version with a local label, such as 0.1.15+cuda, after `>=`.
    public = Version(floor.public)
    excluded = "".join(f"!={version}," for version in WITHDRAWN if version >= public)
    return f"{DISTRIBUTION}>={public},{excluded}<{floor.major}.{floor.minor + 1}"


def is_required_by(
    dependencies: Iterable[str], markers: Mapping[str, str] = MappingProxyType({})
) -> bool:
    """Whether one of these PEP 508 strings requires apache-tvm-ffi on the wheel's platform.

    :param markers: for a wheel of another platform, the values of environment markers that differ
        from the values of this Python.

    >>> is_required_by(["apache-tvm-ffi; extra == 'ffi'"])
    False
    """
    found = [r for r in map(_parse, dependencies) if r is not None]
    environment = {**markers, "extra": ""}
    return any(r.marker is None or r.marker.evaluate(environment) for r in found)


def requirement_problem(dependencies: Iterable[str], floor: Version) -> str | None:
    """Return what is wrong with a project's requirement on apache-tvm-ffi, or ``None``.

    :param dependencies: the PEP 508 strings of ``project.dependencies``.
    :param floor: the oldest release that the library supports.
    """
    wanted = requirement_for(floor)
    declared = [r for r in map(_parse, dependencies) if r is not None]
    for requirement in declared:
        bound = _lower_bound(requirement.specifier)
        if bound is None or bound < Version(floor.public):
            return (
                f"the library is built against {DISTRIBUTION} {floor}, but the project's "
                f"requirement '{requirement}' allows older releases: write '{wanted}', lower the "
                "floor with tool.setuptools-tvm-ffi.abi-floor, or make dependencies dynamic"
            )
        for version in WITHDRAWN:
            if requirement.specifier.contains(version):
                return (
                    f"the project's requirement '{requirement}' allows the withdrawn "
                    f"{DISTRIBUTION} {version}; the library is built against {floor}: "
                    f"write '{wanted}'"
                )
    return None


def _parse(text: str) -> Requirement | None:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None  # setuptools reports invalid requirements.
    return requirement if canonicalize_name(requirement.name) == DISTRIBUTION else None


def _lower_bound(specifiers: SpecifierSet) -> Version | None:
    bounds = []
    for specifier in specifiers:
        if specifier.operator in {">=", ">", "==", "~=", "==="}:
            # After `===`, any text is allowed.
            with contextlib.suppress(InvalidVersion):
                bounds.append(Version(specifier.version.removesuffix(".*")))
    return max(bounds, default=None)
