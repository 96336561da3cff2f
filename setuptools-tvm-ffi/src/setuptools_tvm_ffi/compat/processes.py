# SPDX-License-Identifier: Apache-2.0
"""Runs child processes that may crash, hang or leave other processes behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.child_end import end_child

# If the output is longer than this number of bytes, keep only its end. The end contains the reason
# for a failure.
_KEPT = 64 * 1024
# On Windows, if an exception ends a process, the exit status is an NTSTATUS error code. These codes
# start at this number.
_NT_ERROR = 0xC0000000
# If a signal ends a command that a shell runs, the exit status of the shell is this number plus the
# number of the signal.
_SHELL_SIGNAL = 128


@dataclass(frozen=True)
class Ended:
    """How a child process ended.

    :param status: the exit status; if a signal ended the process, the negated number of the signal.
    :param output: the end of the output, which the child and its own child processes have written.
    """

    status: int
    output: str
    timed_out: bool = False


class StoppedError(Exception):
    """`Children.stop` was called, so no more processes are started."""


class Children:
    """The running child processes of all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        variables: Mapping[str, str],
        seconds: float,
    ) -> Ended:
        """Run a command, then kill the processes that the command left behind.

        :param seconds: the time limit. A command that takes longer is killed.
        :raises StoppedError: `stop` was called.
        :raises OSError: the program cannot be started.
        """
        # Write the output to a file, not to a pipe: the reader of a pipe would wait until the
        # processes that the child leaves behind have ended.
        with tempfile.TemporaryFile() as output:
            with self._lock:
                if self._stopped:
                    raise StoppedError
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=dict(variables),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # The command gets its own process group, which `end_child` can kill as a
                    # whole. Ctrl-C in a terminal does not reach this group.
                    start_new_session=True,
                )
                self._running.add(process)
            timed_out = False
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                timed_out = True
            finally:
                end_child(process, group=True)
                with self._lock:
                    self._running.discard(process)
            if self._stopped:
                raise StoppedError
            output.seek(max(0, output.seek(0, os.SEEK_END) - _KEPT))
            return Ended(process.returncode, output.read().decode("utf-8", "replace"), timed_out)

    def stop(self) -> None:
        """Kill the running processes. Later calls of `run` raise `StoppedError`."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            end_child(process, group=True)


def signal_name(status: int) -> str | None:
    """Return the signal or Windows exception that ended a process, or ``None``.

    If a signal ends a command that a shell runs, the exit status of the shell is 128 plus the
    number of the signal (POSIX, Shell Command Language, 2.8.2).

    >>> signal_name(1) is None, signal_name(3221225477)
    (True, '0xC0000005')
    """
    if status < 0:
        return _name(-status) or f"signal {-status}"
    if sys.platform != "win32" and _SHELL_SIGNAL < status < 2 * _SHELL_SIGNAL:
        return _name(status - _SHELL_SIGNAL)
    return f"0x{status:X}" if status >= _NT_ERROR else None


def _name(number: int) -> str | None:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
