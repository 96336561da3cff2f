# SPDX-License-Identifier: Apache-2.0
"""The exit statuses of every command."""

from __future__ import annotations

FINE = 0  #: success
FINDINGS = 1  #: there are problems to fix
COULD_NOT_RUN = 2  #: the command failed to run
