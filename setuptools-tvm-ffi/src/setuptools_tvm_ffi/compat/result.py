# SPDX-License-Identifier: Apache-2.0
"""The result of testing a wheel with one release."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from packaging.version import Version

from ..ffi.releases import WITHDRAWN


class Outcome(enum.Enum):
    """How a test ended. The values appear in the printed table and in the output of ``--json``."""

    PASSED = "passed"
    INSTALL_FAILED = "install failed"
    IMPORT_FAILED = "import failed"
    PROBE_FAILED = "probe failed"
    COMMAND_FAILED = "command failed"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"


#: Outcomes that may differ in the next run, because they depend on the index and on this machine.
TRANSIENT = frozenset({Outcome.INSTALL_FAILED, Outcome.TIMED_OUT})


@dataclass(frozen=True)
class Result:
    """The result of testing a wheel with one release.

    :param detail: one line. After a failure: the failed step and the reason. Otherwise: what was
        tested.
    :param signal: the signal or Windows exception that ended the process.
    :param cached: whether an earlier run produced the result.
    :param called: the number of functions that the probe called; ``None`` if the probe did
        not run.
    """

    release: Version
    outcome: Outcome
    detail: str = ""
    signal: str | None = None
    cached: bool = False
    called: int | None = None

    @property
    def passed(self) -> bool:
        """Whether the wheel works with the release."""
        return self.outcome is Outcome.PASSED

    @property
    def unknown(self) -> bool:
        """Whether the test did not finish, so that it does not show whether the wheel works."""
        return self.outcome in TRANSIENT

    @property
    def failed(self) -> bool:
        """Whether the wheel does not work with the release."""
        return not self.passed and not self.unknown

    @property
    def withdrawn(self) -> bool:
        """Whether the release was withdrawn because of a change of the ABI."""
        return Version(self.release.public) in WITHDRAWN

    @property
    def label(self) -> str:
        """The text that the table shows for the outcome."""
        return f"crashed ({self.signal})" if self.signal is not None else self.outcome.value
