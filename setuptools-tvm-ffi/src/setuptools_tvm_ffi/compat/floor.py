# SPDX-License-Identifier: Apache-2.0
"""What the results mean for a project: the range of releases that passed, and how to require it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..ffi.releases import requirement_for
from .releases import Release
from .result import Result

# Where `abi_floor.parse_floor` begins: releases before have no load_lib_module.
_FIRST_FLOOR = Version("0.1.6")


@dataclass(frozen=True)
class Range:
    """Releases that passed without one between them that did not.

    :param oldest: the first of them.
    :param newest: the last of them.
    :param count: how many they are.
    :param excluded: withdrawn releases after the first and before the next that failed which did
        not pass.
    :param next_failed: the first release after them, which did not pass; ``None`` where there is
        none.
    :param unknown_below: the release before them, if it could not be tried.
    :param unknown_above: the release after them, if it could not be tried.
    :param untried: releases that there are and that nobody tried: between them, down to the next
        older that was tried, and up to the next newer.
    """

    oldest: Version
    newest: Version
    count: int
    excluded: tuple[Version, ...] = ()
    next_failed: Version | None = None
    unknown_below: Version | None = None
    unknown_above: Version | None = None
    untried: tuple[Version, ...] = ()

    @property
    def requirement(self) -> str:
        """The run-time requirement (PEP 508); it admits nothing from a failure or unknown on."""
        limit = self._limit
        # The two that are always excluded, where they are not above the range anyway.
        floor = Requirement(requirement_for(self.oldest))
        kept = {Version(s.version) for s in floor.specifier if s.operator == "!="}
        excluded = sorted(v for v in {*kept, *self.excluded} if v < Version(limit))
        words = [f">={self.oldest.public}", *(f"!={v}" for v in excluded), f"<{limit}"]
        return f"{floor.name}{','.join(words)}"

    @property
    def abi_floor(self) -> str | None:
        """The setting ``abi-floor``, ``None`` where it cannot be said by it, or is not known."""
        if self.oldest < _FIRST_FLOOR or self.unknown_below is not None:
            return None
        says = Requirement(requirement_for(self.oldest)).specifier
        return self.oldest.public if says == Requirement(self.requirement).specifier else None

    @property
    def _limit(self) -> str:
        """What the requirement ends below: of what passed last, the next series has another ABI."""
        series = f"{self.newest.major}.{self.newest.minor + 1}"
        ends = [v for v in (self.next_failed, self.unknown_above) if v is not None]
        # Of a series that is not admitted it makes no difference.
        return min((str(v) for v in ends if v < Version(series)), key=Version, default=series)


def widest_range(results: Sequence[Result], releases: Sequence[Release] = ()) -> Range | None:
    """Return the longest run of releases that passed, the newest of equally long ones.

    Nobody installs a withdrawn release who does not ask for it, so that it neither ends a run nor
    counts in it; one that failed is to be excluded. One that could not be tried ends a run, for
    nothing is known of it, and is no failure.

    :param results: in the order of their versions.
    :param releases: all that there are, tried or not.
    :return: ``None`` where none passed.
    """
    run = max(_runs(results), key=lambda run: (len(run.passed), _newest(run.passed)))
    if not run.passed:
        return None
    oldest, newest = run.passed[0].release.version, run.passed[-1].release.version
    failed, unknown_above = _edge(run.after)
    end = None if run.after is None else run.after.release.version
    excluded = tuple(
        result.release.version
        for result in results
        if result.release.withdrawn
        and result.failed
        and oldest < result.release.version
        and (end is None or result.release.version < end)
    )
    tried = {result.release.version for result in results}
    start = None if run.before is None else run.before.release.version
    untried = tuple(
        release.version
        for release in releases
        if not (release.withdrawn or release.version.is_prerelease or release.version in tried)
        and (start is None or start < release.version)
        and (end is None or release.version < end)
    )
    return Range(
        oldest=oldest,
        newest=newest,
        count=len(run.passed),
        excluded=excluded,
        next_failed=failed,
        unknown_below=_edge(run.before)[1],
        unknown_above=unknown_above,
        untried=untried,
    )


def violations(results: Sequence[Result], admits: SpecifierSet | None) -> tuple[Result, ...]:
    """Return the results that break what the wheel's own requirement promises."""
    return tuple(
        result
        for result in results
        if result.failed and is_admitted(result.release.version, admits)
    )


def unknowns(results: Sequence[Result], admits: SpecifierSet | None) -> tuple[Result, ...]:
    """Return the results that leave open whether the wheel's requirement keeps its promise."""
    return tuple(
        result
        for result in results
        if result.unknown and is_admitted(result.release.version, admits)
    )


def is_admitted(version: Version, admits: SpecifierSet | None) -> bool:
    """Whether a wheel's requirement lets a release in; one that is not there admits all."""
    return admits is None or admits.contains(version, prereleases=True)


@dataclass(frozen=True)
class _Run:
    """Releases that passed, one after the other, and what lies on both sides of them."""

    before: Result | None
    passed: Sequence[Result]
    after: Result | None


def _runs(results: Sequence[Result]) -> list[_Run]:
    runs: list[_Run] = []
    before, passed = None, []
    for result in results:
        if result.release.withdrawn:
            continue
        if result.passed:
            passed.append(result)
        else:
            runs.append(_Run(before, passed, result))
            before, passed = result, []
    return [*runs, _Run(before, passed, None)]


def _edge(result: Result | None) -> tuple[Version | None, Version | None]:
    """Return the version of a neighbour: as one that failed, or as one that is unknown."""
    if result is None:
        return None, None
    version = result.release.version
    return (version, None) if result.failed else (None, version)


def _newest(run: Sequence[Result]) -> Version:
    return run[-1].release.version if run else Version("0")
