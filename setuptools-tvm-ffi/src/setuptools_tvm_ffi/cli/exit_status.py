# SPDX-License-Identifier: Apache-2.0
"""The exit statuses of every command."""

from __future__ import annotations

FINE = 0  #: The command found no problem.
FINDINGS = 1  #: The command found problems that the user must fix.
COULD_NOT_RUN = 2  #: The command failed to run.
