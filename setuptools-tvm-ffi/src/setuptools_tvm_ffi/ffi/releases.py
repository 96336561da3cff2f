# SPDX-License-Identifier: Apache-2.0
"""Which releases of apache-tvm-ffi a library may be built against and may meet at run time."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..base.errors import BuildError, ConfigurationError

DISTRIBUTION = "apache-tvm-ffi"

#: Withdrawn upstream: C++ vtables changed between them and 0.1.13.post2 (apache/tvm#20094).
WITHDRAWN = (Version("0.1.13"), Version("0.1.13.post0"))

_WITHDRAWN_REASON = (
    "this release was withdrawn: libraries that touch C++ vtables break silently "
    "between it and 0.1.13.post2"
)
_LOADABLE = SpecifierSet(">=0.1.6", prereleases=True)
_REFUSED = (
    (
        SpecifierSet("<0.1.6", prereleases=True),
        "it has no tvm_ffi.libinfo.load_lib_module, with which the package loads its library "
        "(new in 0.1.6)",
    ),
    (
        SpecifierSet("<0.1.7", prereleases=True),
        "its tvm-ffi-stubgen has no --init-* mode (new in 0.1.7)",
    ),
    (SpecifierSet("==0.1.13"), _WITHDRAWN_REASON),
    (SpecifierSet("==0.1.13.post0"), _WITHDRAWN_REASON),
)

#: What an isolated build environment asks for: everything that `refusal` lets through.
BUILD_REQUIREMENT = f"{DISTRIBUTION}>=0.1.7,!=0.1.13,!=0.1.13.post0,<0.2"


def refusal(version: Version) -> str | None:
    """Return why a library is not built against this release, or ``None`` where it may be.

    >>> refusal(Version("0.1.15.post2")) is None
    True
    >>> refusal(Version("0.1.5"))[:40]
    'it has no tvm_ffi.libinfo.load_lib_modul'
    """
    for releases, reason in _REFUSED:
        if releases.contains(version, prereleases=True):
            return reason
    return None


def check_built_against(version: Version) -> None:
    """Refuse to build against a release known to make broken wheels.

    :raises BuildError: with the reason.
    """
    reason = refusal(version)
    if reason is not None:
        raise BuildError(
            f"{DISTRIBUTION} {version} cannot be built against: {reason}",
            hint=f"install another release: python -m pip install '{BUILD_REQUIREMENT}'",
        )


def parse_floor(text: str, *, where: str, built_against: Version | None) -> Version:
    """Return the declared ABI floor as a version.

    :param where: the file and dotted key that declare it, for the message.
    :param built_against: the release in the build environment, where it is known.
    :raises ConfigurationError: not a version, or newer than what is built against.
    """
    try:
        floor = Version(text)
    except InvalidVersion:
        raise ConfigurationError(f"{where}: {text!r} is not a version") from None
    if floor not in _LOADABLE:
        raise ConfigurationError(
            f"{where}: {DISTRIBUTION} {floor} has no tvm_ffi.libinfo.load_lib_module, with which "
            "the package loads its library",
            hint="0.1.6 is the first that has it",
        )
    if built_against is not None and floor > built_against:
        raise ConfigurationError(
            f"{where}: the floor {floor} is newer than {DISTRIBUTION} {built_against}, "
            "which the library is built against",
            hint="leave the key out to take the release that is built against as the floor",
        )
    return floor


def requirement_for(floor: Version) -> str:
    """Return the run-time requirement of a library with this ABI floor (PEP 508).

    >>> requirement_for(Version("0.1.15.post2"))
    'apache-tvm-ffi>=0.1.15.post2,<0.2'
    >>> requirement_for(Version("0.1.9"))
    'apache-tvm-ffi>=0.1.9,!=0.1.13,!=0.1.13.post0,<0.2'
    """
    # A local version label (0.1.15+cuda) cannot stand after `>=`.
    public = Version(floor.public)
    excluded = "".join(f"!={version}," for version in WITHDRAWN if version >= public)
    return f"{DISTRIBUTION}>={public},{excluded}<{floor.major}.{floor.minor + 1}"


def is_required_by(dependencies: Iterable[str]) -> bool:
    """Whether one of these PEP 508 strings names apache-tvm-ffi."""
    return any(_parse(dependency) is not None for dependency in dependencies)


def requirement_problem(dependencies: Iterable[str], floor: Version) -> str | None:
    """Return what is wrong with a project's own static requirement, or ``None``.

    :param dependencies: PEP 508 strings, as in ``project.dependencies``.
    """
    wanted = requirement_for(floor)
    declared = [r for r in map(_parse, dependencies) if r is not None]
    if not declared:
        return (
            f"the library is built against {DISTRIBUTION} {floor}, and the project requires no "
            f"{DISTRIBUTION} at all: write '{wanted}' or make dependencies dynamic"
        )
    for requirement in declared:
        bound = _lower_bound(requirement.specifier)
        if bound is None or bound[0] < Version(floor.public):
            allowed = "any release" if bound is None else f"{bound[1]}{bound[0]}"
            return (
                f"the library is built against {DISTRIBUTION} {floor}, but the project's "
                f"requirement '{requirement}' allows {allowed}: write '{wanted}', lower the "
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
        return None  # setuptools reports it
    return requirement if canonicalize_name(requirement.name) == DISTRIBUTION else None


def _lower_bound(specifiers: SpecifierSet) -> tuple[Version, str] | None:
    """Return the highest lower bound, and what to say before it."""
    bounds = []
    for specifier in specifiers:
        if specifier.operator in {">=", ">", "==", "~=", "==="}:
            try:
                version = Version(specifier.version.removesuffix(".*"))
            except InvalidVersion:
                continue  # `===` takes any text
            bounds.append((version, "releases after " if specifier.operator == ">" else ""))
    return max(bounds, default=None)
