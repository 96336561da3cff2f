# SPDX-License-Identifier: Apache-2.0
"""The exit statuses of every command."""

from __future__ import annotations

FINE = 0  #: all is well
FINDINGS = 1  #: there is something to mend
COULD_NOT_RUN = 2  #: it could not be found out
