# SPDX-License-Identifier: Apache-2.0
"""What the results mean for a project: the range of releases that passed, and how to require it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..abi_floor import WITHDRAWN, requirement_for
from .result import Result

# Where `abi_floor.parse_floor` begins: releases before have no load_lib_module.
_FIRST_FLOOR = Version("0.1.6")


@dataclass(frozen=True)
class Range:
    """Releases that passed without one between them that did not.

    :param oldest: the first of them.
    :param newest: the last of them.
    :param count: how many they are.
    :param excluded: withdrawn releases after the first and before `next_failed` that did not pass.
    :param next_failed: the first release after them, which did not pass; ``None`` where there is
        none.
    """

    oldest: Version
    newest: Version
    count: int
    excluded: tuple[Version, ...] = ()
    next_failed: Version | None = None

    @property
    def requirement(self) -> str:
        """The run-time requirement (PEP 508)."""
        base = Requirement(requirement_for(self.oldest))
        extra = [f"!={v}" for v in self.excluded if v not in WITHDRAWN]
        if self.next_failed is None and not extra:
            return requirement_for(self.oldest)
        kept = [str(s) for s in base.specifier if s.operator == "!="]
        upper = [str(s) for s in base.specifier if s.operator == "<"]
        if self.next_failed is not None:
            upper = [f"<{self.next_failed}"]
            # What lies above it needs no exclusion.
            kept = [text for text in kept if Version(text[2:]) < self.next_failed]
        excluded = sorted({*kept, *extra}, key=lambda text: Version(text[2:]))
        return f"{base.name}{','.join([f'>={Version(self.oldest.public)}', *excluded, *upper])}"

    @property
    def abi_floor(self) -> str | None:
        """The setting ``abi-floor``, ``None`` where it cannot be said by it."""
        if self.oldest < _FIRST_FLOOR or self.next_failed is not None:
            return None
        if set(self.excluded) - set(WITHDRAWN):
            return None
        return self.oldest.public


def widest_range(results: Sequence[Result]) -> Range | None:
    """Return the longest run of releases that passed, the newest of equally long ones.

    Nobody installs a withdrawn release who does not ask for it, so that it neither ends a run nor
    counts in it; one that did not pass is to be excluded.

    :param results: in the order of their versions.
    :return: ``None`` where none passed.
    """
    runs: list[list[Result]] = [[]]
    ends: list[Version | None] = []
    for result in results:
        if result.release.withdrawn:
            continue
        if result.passed:
            runs[-1].append(result)
        else:
            ends.append(result.release.version)
            runs.append([])
    ends.append(None)
    best, end = max(zip(runs, ends), key=lambda pair: (len(pair[0]), _newest(pair[0])))
    if not best:
        return None
    oldest, newest = best[0].release.version, best[-1].release.version
    excluded = tuple(
        result.release.version
        for result in results
        if result.release.withdrawn
        and not result.passed
        and oldest < result.release.version
        and (end is None or result.release.version < end)
    )
    return Range(oldest, newest, len(best), excluded, end)


def violations(results: Sequence[Result], admits: SpecifierSet | None) -> tuple[Result, ...]:
    """Return the results that break what the wheel's own requirement promises."""
    return tuple(
        result
        for result in results
        if not result.passed and is_admitted(result.release.version, admits)
    )


def is_admitted(version: Version, admits: SpecifierSet | None) -> bool:
    """Whether a wheel's requirement lets a release in; one that is not there admits all."""
    return admits is None or admits.contains(version, prereleases=True)


def _newest(run: Sequence[Result]) -> Version:
    return run[-1].release.version if run else Version("0")
