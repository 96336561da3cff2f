# SPDX-License-Identifier: Apache-2.0
"""What came of trying one release."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from .releases import Release


class Outcome(enum.Enum):
    """How far it came. The values are those of ``--json``."""

    PASSED = "passed"
    INSTALL_FAILED = "install failed"
    IMPORT_FAILED = "import failed"
    PROBE_FAILED = "probe failed"
    COMMAND_FAILED = "command failed"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"


#: Outcomes that say nothing of another day: the index and the machine have a part in them.
TRANSIENT = frozenset({Outcome.INSTALL_FAILED, Outcome.TIMED_OUT})


@dataclass(frozen=True)
class Result:
    """What came of it.

    :param detail: one line: where it failed and why, or what was looked at.
    :param signal: what ended a process that crashed.
    :param cached: whether it is of an earlier run.
    :param called: how many functions were called; ``None`` where a command ran instead, or nothing.
    """

    release: Release
    outcome: Outcome
    detail: str = ""
    signal: str | None = None
    cached: bool = False
    called: int | None = None

    @property
    def passed(self) -> bool:
        """Whether the wheel works with the release, as far as was tried."""
        return self.outcome is Outcome.PASSED

    @property
    def unknown(self) -> bool:
        """Whether nothing is known of the release: it could not be tried to an end."""
        return self.outcome in TRANSIENT

    @property
    def failed(self) -> bool:
        """Whether the wheel does not work with the release."""
        return not self.passed and not self.unknown

    @property
    def label(self) -> str:
        """The outcome, for people."""
        return f"crashed ({self.signal})" if self.signal is not None else self.outcome.value
