# SPDX-License-Identifier: Apache-2.0
"""Check finished wheels for defects that cause failures on users' machines.

Wheels are not unpacked and their code is not run, so any machine can audit wheels for any platform.
For each finding, the command prints a code, what breaks, and a fix.

For example:

    setuptools-tvm-ffi audit dist/*.whl
"""

from __future__ import annotations

import argparse

from ..audit.wheel_audit import audit_wheel
from .audited_wheels import Audited, add_arguments, go_through

__all__ = ["add_arguments", "run"]


def run(parsed: argparse.Namespace) -> int:
    """Audit each wheel; return the exit status."""
    return go_through(parsed, lambda wheel, reader: Audited(audit_wheel(wheel, reader)))
