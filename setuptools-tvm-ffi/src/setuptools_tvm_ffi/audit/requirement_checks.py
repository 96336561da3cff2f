# SPDX-License-Identifier: Apache-2.0
"""Check which releases of apache-tvm-ffi a wheel's requirement allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from email.message import Message

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..base.text import first_few
from ..binaries.binary import Binary
from ..ffi.releases import DISTRIBUTION, WITHDRAWN
from . import codes
from .codes import Finding
from .tvm_ffi_symbols import FIRST, GONE, RELEASES
from .wheel_checks import BuildFacts, needed_releases

_NEWEST = max(RELEASES)


def declared_requirement(metadata: Message) -> list[Requirement]:
    """Return a wheel's requirements for apache-tvm-ffi, except requirements of extras."""
    return [r for r in _requirements(metadata) if canonicalize_name(r.name) == DISTRIBUTION]


def required_names(metadata: Message) -> list[str]:
    """Return the names of the distributions that a wheel requires. Skip requirements of extras."""
    return [requirement.name for requirement in _requirements(metadata)]


def _requirements(metadata: Message) -> Iterator[Requirement]:
    for text in metadata.get_all("Requires-Dist", []):
        try:
            requirement = Requirement(str(text))
        except InvalidRequirement:
            continue  # Ignore an invalid requirement: pip and twine report it.
        if requirement.marker is None or "extra" not in str(requirement.marker):
            yield requirement


def requirement_findings(
    requirements: Sequence[Requirement], binaries: Sequence[Binary], facts: BuildFacts | None
) -> Iterator[Finding]:
    """Yield the findings about a wheel's requirements for apache-tvm-ffi.

    Requirements are checked in groups, one group for each marker. The group of a marker contains
    all requirements with this marker, and all requirements without a marker. If no requirement has
    a marker, all requirements form one group. Markers are compared as text and never evaluated.

    :param binaries: the libraries that use the TVM-FFI ABI.
    """
    if not requirements:
        yield Finding(codes.NO_REQUIREMENT, "", "METADATA has no Requires-Dist for apache-tvm-ffi")
        return
    unmarked = [requirement for requirement in requirements if requirement.marker is None]
    by_marker: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        if requirement.marker is not None:
            by_marker.setdefault(str(requirement.marker), [*unmarked]).append(requirement)
    for applying in by_marker.values() or [unmarked]:
        yield from _findings(applying, binaries, facts)


def _findings(
    requirements: Sequence[Requirement], binaries: Sequence[Binary], facts: BuildFacts | None
) -> Iterator[Finding]:
    """Yield the findings about a group of requirements. An environment must satisfy all of them."""
    declared = ", ".join(map(str, requirements))
    specifiers = [requirement.specifier for requirement in requirements]
    allowed = [r for r in sorted({*RELEASES, *WITHDRAWN}) if _allows(specifiers, r)]
    later = [r for r in _around_bounds(specifiers) if r > _NEWEST and _allows(specifiers, r)]
    if not allowed and not later:
        what = f"'{declared}' allows no release up to {_NEWEST}, and no later one"
        yield Finding(codes.REQUIREMENT_ALLOWS_NONE, "", what)
        return
    yield from _symbol_findings(declared, allowed, binaries)
    if facts is not None:
        older = [str(r) for r in allowed if r < Version(facts.floor.public)]
        if older:
            what = f"'{declared}' allows {first_few(older)}; the ABI floor is {facts.floor}"
            yield Finding(codes.REQUIREMENT_BELOW_FLOOR, "", what)
    withdrawn = [str(release) for release in allowed if release in WITHDRAWN]
    if withdrawn:
        yield Finding(
            codes.REQUIREMENT_WITHDRAWN, "", f"'{declared}' allows {first_few(withdrawn)}"
        )
    least = min([*allowed, *later])
    above = [r for r in _next_versions(least) if _allows(specifiers, r)]
    if above:
        what = f"'{declared}' allows {above[0]} and later versions"
        yield Finding(codes.REQUIREMENT_UNBOUNDED, "", what)


def _symbol_findings(
    declared: str, allowed: Sequence[Version], binaries: Sequence[Binary]
) -> Iterator[Finding]:
    """Yield a finding for each symbol that the libraries need but an allowed release lacks.

    Releases newer than `RELEASES` are not checked, because their symbols are unknown.
    """
    for name in needed_releases(binaries):
        first, gone = FIRST.get(name), GONE.get(name)
        lacking = [
            str(release)
            for release in allowed
            if first is None or release < first or (gone is not None and release >= gone)
        ]
        if not lacking:
            continue
        what = f"'{declared}' allows {first_few(lacking)}; "
        if first is None:
            what += f"no release up to {_NEWEST} has {name}"
        else:
            what += f"{name} was added in {first}"
            what += f" and removed in {gone}" if gone is not None else ""
        yield Finding(codes.REQUIREMENT_LACKS_SYMBOL, "", what)


def _allows(specifiers: Iterable[SpecifierSet], release: Version) -> bool:
    return all(specifier.contains(release, prereleases=True) for specifier in specifiers)


def _around_bounds(specifiers: Iterable[SpecifierSet]) -> Iterator[Version]:
    """Yield versions near the bounds of specifiers.

    If the specifiers allow any version at all, they allow at least one of these versions.
    """
    yield from _next_versions(_NEWEST)
    for specifier in (one for several in specifiers for one in several):
        try:
            bound = Version(specifier.version.removesuffix(".*"))
        except InvalidVersion:
            continue  # The text after `===` is not always a version.
        yield bound
        if bound.post is not None:
            yield Version(f"{bound.base_version}.post{bound.post + 1}")
        yield Version(f"{bound.major}.{bound.minor}.{bound.micro + 1}")
        yield from _next_versions(bound)


def _next_versions(release: Version) -> Iterator[Version]:
    """Yield the minor and the major version after `release`. Both versions may change the ABI."""
    yield Version(f"{release.major}.{release.minor + 1}")
    yield Version(f"{release.major + 1}.0")
