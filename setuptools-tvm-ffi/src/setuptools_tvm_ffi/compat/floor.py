# SPDX-License-Identifier: Apache-2.0
"""Derives a requirement and an ABI floor from test results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..ffi.releases import DISTRIBUTION, WITHDRAWN, requirement_for
from .result import Result

# The oldest ABI floor that `ffi.releases.parse_floor` accepts: older releases have no
# load_lib_module.
_FIRST_FLOOR = Version("0.1.6")


@dataclass(frozen=True)
class Range:
    """Consecutive tested releases that all passed.

    :param count: the number of releases.
    :param limit: the first tested release after the range; ``None`` if there is no such release.
    """

    oldest: Version
    newest: Version
    count: int
    limit: Version | None = None

    @property
    def requirement(self) -> str:
        """The run-time requirement (PEP 508)."""
        # The next minor version (0.2 after 0.1) may have a different ABI.
        below = Version(f"{self.newest.major}.{self.newest.minor + 1}")
        if self.limit is not None:
            below = min(below, Version(self.limit.public))
        oldest = Version(self.oldest.public)
        excluded = "".join(f"!={version}," for version in WITHDRAWN if oldest <= version < below)
        return f"{DISTRIBUTION}>={oldest},{excluded}<{below}"

    @property
    def abi_floor(self) -> str | None:
        """The value of ``abi-floor`` for which a build writes `requirement`.

        The result is ``None`` if there is no such value.
        """
        if self.oldest < _FIRST_FLOOR or self.requirement != requirement_for(self.oldest):
            return None
        return self.oldest.public


def widest_range(results: Sequence[Result]) -> Range | None:
    """Return the longest range of releases that passed.

    If several ranges have this length, return the newest range. Withdrawn releases are skipped,
    because `Range.requirement` excludes these releases.

    :param results: sorted by version.
    :returns: ``None`` if no release passed.
    """
    widest: Range | None = None
    passed: list[Version] = []
    for result in (*(result for result in results if not result.withdrawn), None):
        if result is not None and result.passed:
            passed.append(result.release)
            continue
        if passed and (widest is None or len(passed) >= widest.count):
            limit = None if result is None else result.release
            widest = Range(passed[0], passed[-1], len(passed), limit)
        passed = []
    return widest


def is_admitted(version: Version, admits: SpecifierSet | None) -> bool:
    """Whether a wheel's requirement for apache-tvm-ffi admits a release.

    :param admits: the specifiers of the requirement. ``None`` means that the wheel has no such
        requirement, and so admits every release.
    """
    return admits is None or admits.contains(version, prereleases=True)
