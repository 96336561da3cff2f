# SPDX-License-Identifier: Apache-2.0
"""Look at finished wheels for what would fail on a user's machine.

Nothing is unpacked or run, so that any wheel may be looked at on any machine. Each finding has a
code; docs/audit.md says what each breaks and how it is mended.
"""

from __future__ import annotations

import argparse

from ..audit.wheel_audit import audit_wheel
from .audited_wheels import Audited, add_arguments, go_through

__all__ = ["add_arguments", "run"]


def run(parsed: argparse.Namespace) -> int:
    """Audit each wheel; return the exit status."""
    return go_through(parsed, lambda wheel, reader: Audited(audit_wheel(wheel, reader)))
