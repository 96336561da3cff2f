# SPDX-License-Identifier: Apache-2.0
"""Looks at which releases of apache-tvm-ffi a wheel's requirement lets pip install beside it.

As pip does, for each Python that the wheel is for: markers are evaluated with what that Python has
on the wheel's platform, and of several requirements that apply, all have to be met.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..binaries.binary import Binary
from ..ffi.releases import DISTRIBUTION, WITHDRAWN
from . import codes
from .codes import Finding, listed
from .tvm_ffi_symbols import FIRST, GONE, RELEASES
from .wheel_checks import BuildFacts, needed_releases

_NEWEST = max(RELEASES)

# Minor releases of CPython that wheels are judged for; apache-tvm-ffi itself needs 3.9.
_PYTHONS = tuple(f"3.{minor}" for minor in range(9, 16))
# A bound within a minor release (>=3.9.2) is met by its last one.
_LAST_MICRO = 99

_SYSTEMS = {
    "linux": ("posix", "linux", "Linux"),
    "macosx": ("posix", "darwin", "Darwin"),
    "win": ("nt", "win32", "Windows"),
}
_MACHINES = {"win_amd64": "AMD64", "win32": "x86", "win_arm64": "ARM64"}


@dataclass(frozen=True)
class Place:
    """A Python on a platform, where a wheel may be installed."""

    python: str
    platform: str
    machine: str = ""

    def environment(self) -> dict[str, str]:
        """Return what markers are evaluated with.

        https://packaging.python.org/en/latest/specifications/dependency-specifiers/
        """
        family = re.split(r"[\d_]", self.platform, maxsplit=1)[0]
        os_name, sys_platform, system = _SYSTEMS.get(family, _SYSTEMS["linux"])
        full = f"{self.python}.{_LAST_MICRO}"
        return {
            "os_name": os_name,
            "sys_platform": sys_platform,
            "platform_system": system,
            "platform_machine": _MACHINES.get(self.platform, self.machine),
            "python_version": self.python,
            "python_full_version": full,
            "implementation_name": "cpython",
            "implementation_version": full,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_version": "",
            "extra": "",
        }

    def __str__(self) -> str:
        return f"Python {self.python} on {self.platform}"


def declared_requirement(metadata: Message) -> list[Requirement]:
    """Return what a wheel requires of apache-tvm-ffi, extras left out."""
    found = []
    for text in metadata.get_all("Requires-Dist", []):
        try:
            requirement = Requirement(str(text))
        except InvalidRequirement:
            continue  # twine and pip say so
        in_extra = requirement.marker is not None and "extra" in str(requirement.marker)
        if canonicalize_name(requirement.name) == DISTRIBUTION and not in_extra:
            found.append(requirement)
    return found


def places(metadata: Message, tags: Iterable[Tag], binaries: Sequence[Binary]) -> list[Place]:
    """Return where a wheel may be installed: each platform of its tags with each Python."""
    tags = list(tags)
    try:
        wanted = SpecifierSet(str(metadata.get("Requires-Python", "")))
    except InvalidSpecifier:
        wanted = SpecifierSet()
    # What is built for one Python alone (cp311-cp311) is installed into no other.
    only = {tag.interpreter for tag in tags if tag.interpreter == tag.abi.rstrip("dmtu")}
    is_bound = all(tag.interpreter in only and tag.abi != "abi3" for tag in tags)
    pythons = [
        python
        for python in _PYTHONS
        if wanted.contains(f"{python}.{_LAST_MICRO}")
        and (not is_bound or f"cp{python.replace('.', '')}" in only)
    ]
    machine = next((binary.machine for binary in binaries), "")
    platforms = sorted({tag.platform for tag in tags})
    return [
        Place(python, platform, machine) for platform in platforms for python in pythons or _PYTHONS
    ]


def requirement_findings(
    requirements: Sequence[Requirement],
    binaries: Sequence[Binary],
    facts: BuildFacts | None,
    where: Sequence[Place],
) -> Iterator[Finding]:
    """Yield what is wrong with a requirement for apache-tvm-ffi, the same for many places once.

    :param binaries: the libraries that are used over the TVM-FFI ABI.
    :param where: `places` of the wheel.
    """
    if not requirements:
        yield Finding(codes.NO_REQUIREMENT, "", "METADATA has no Requires-Dist for it")
        return
    by_choice: dict[tuple[Requirement, ...], list[Place]] = {}
    for place in where:
        environment = place.environment()
        applying = tuple(r for r in requirements if _applies(r.marker, environment))
        by_choice.setdefault(applying, []).append(place)
    for applying, there in by_choice.items():
        with_markers = len(by_choice) > 1 or any(r.marker for r in applying)
        suffix = f" (with {listed(list(map(str, there)))})" if with_markers else ""
        if not applying:
            said = ", ".join(map(str, requirements))
            what = f"'{said}' does not apply with {listed(list(map(str, there)))}"
            yield Finding(codes.NO_REQUIREMENT, "", what)
            continue
        for finding in _findings(applying, binaries, facts):
            yield Finding(finding.code, finding.path, finding.what + suffix)


def _applies(marker: Marker | None, environment: Mapping[str, str]) -> bool:
    try:
        return marker is None or marker.evaluate(dict(environment))
    except (UndefinedComparison, UndefinedEnvironmentName):
        return False  # pip does not install such a wheel


def _findings(
    requirements: Sequence[Requirement], binaries: Sequence[Binary], facts: BuildFacts | None
) -> Iterator[Finding]:
    """Yield what is wrong with requirements that are met together."""
    said = ", ".join(map(str, requirements))
    specifiers = [requirement.specifier for requirement in requirements]
    allowed = [r for r in sorted({*RELEASES, *WITHDRAWN}) if _allows(specifiers, r)]
    later = [r for r in _around_bounds(specifiers) if r > _NEWEST and _allows(specifiers, r)]
    if not allowed and not later:
        what = f"'{said}' allows none of the releases up to {_NEWEST}, and none after it"
        yield Finding(codes.REQUIREMENT_ALLOWS_NONE, "", what)
        return
    yield from _symbol_findings(said, allowed, binaries)
    if facts is not None:
        older = [str(r) for r in allowed if r < Version(facts.floor.public)]
        if older:
            what = f"'{said}' allows {listed(older)}; the floor is {facts.floor}"
            yield Finding(codes.REQUIREMENT_BELOW_FLOOR, "", what)
    withdrawn = [str(release) for release in allowed if release in WITHDRAWN]
    if withdrawn:
        yield Finding(codes.REQUIREMENT_WITHDRAWN, "", f"'{said}' allows {listed(withdrawn)}")
    least = min([*allowed, *later])
    above = [r for r in _next_lines(least) if _allows(specifiers, r)]
    if above:
        what = f"'{said}' allows {above[0]} and later"
        yield Finding(codes.REQUIREMENT_UNBOUNDED, "", what)


def _symbol_findings(
    said: str, allowed: Sequence[Version], binaries: Sequence[Binary]
) -> Iterator[Finding]:
    """Yield the symbols that a release lacks which is allowed.

    Of releases after the newest that was looked at nothing is known, nor said.
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
        what = f"'{said}' allows {listed(lacking)}; "
        if first is None:
            what += f"no release up to {_NEWEST} has {name}"
        else:
            what += f"{name} is new in {first}"
            what += f" and gone in {gone}" if gone is not None else ""
        yield Finding(codes.REQUIREMENT_LACKS_SYMBOL, "", what)


def _allows(specifiers: Iterable[SpecifierSet], release: Version) -> bool:
    return all(specifier.contains(release, prereleases=True) for specifier in specifiers)


def _around_bounds(specifiers: Iterable[SpecifierSet]) -> Iterator[Version]:
    """Yield releases, there or not, of which one is allowed where any release at all is."""
    yield from _next_lines(_NEWEST)
    for specifier in (one for several in specifiers for one in several):
        try:
            bound = Version(specifier.version.removesuffix(".*"))
        except InvalidVersion:
            continue  # `===` takes any text
        yield bound
        if bound.post is not None:
            yield Version(f"{bound.base_version}.post{bound.post + 1}")
        yield Version(f"{bound.major}.{bound.minor}.{bound.micro + 1}")
        yield from _next_lines(bound)


def _next_lines(release: Version) -> Iterator[Version]:
    """Yield the first release of the next minor line, which tvm-ffi may change its ABI with."""
    yield Version(f"{release.major}.{release.minor + 1}")
    yield Version(f"{release.major + 1}.0")
