# SPDX-License-Identifier: Apache-2.0
"""Ends child processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import Any


def end_child(
    child: subprocess.Popen[Any],
    *,
    own_time: float = 0,
    request: int | None = None,
    request_time: float = 0,
    group: bool = False,
) -> None:
    """End a child process, and return when it has ended.

    On Windows, the function ignores `request` and `group`, and kills only the child.

    :param own_time: seconds that the child gets to end without a signal from this function. The
        child needs this time after Ctrl-C: the terminal has already sent a signal to the child, and
        a second signal would interrupt the child's clean-up.
    :param request: a signal that asks the child to end. If it is ``None``, the child is killed.
    :param request_time: seconds that the child gets to clean up after the request. The child is
        killed if it takes longer.
    :param group: kill all processes of the child's process group, not only the child. The group
        can contain processes that outlive the child. The child must have been started with
        ``start_new_session=True``.
    """
    if own_time and _ends_within(child, own_time):
        return
    if sys.platform != "win32" and request is not None:
        child.send_signal(request)
        if _ends_within(child, request_time):
            return
    if sys.platform != "win32" and group:
        # macOS raises PermissionError if all processes of the group have ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def _ends_within(child: subprocess.Popen[Any], seconds: float) -> bool:
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
