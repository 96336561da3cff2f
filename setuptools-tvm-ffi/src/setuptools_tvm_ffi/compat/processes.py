# SPDX-License-Identifier: Apache-2.0
"""Runs children that may crash, hang or leave others behind, and ends all of them on request."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.child_end import end_child

# Of what a child prints its end is kept, where the reason is.
_KEPT = 64 * 1024
# Windows' statuses of a process that was ended by an exception are NTSTATUS errors.
_NT_ERROR = 0xC0000000
# What a shell adds to the number of a signal.
_SHELL_SIGNAL = 128
# How long the last of an output may take to arrive.
_GRACE = 1.0


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    :param status: the exit status; negative for a signal.
    :param output: the end of what it and its own children printed.
    """

    status: int
    output: str
    timed_out: bool = False


class StoppedError(Exception):
    """Nothing more is to be run."""


class Children:
    """Those that run, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether nothing more is to be run."""
        return self._stopped

    def run(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        variables: Mapping[str, str],
        seconds: float,
    ) -> Ended:
        """Run a command, for so long at most; with it ends what it has started.

        :raises StoppedError: nothing more is to be run.
        :raises OSError: the program cannot be started.
        """
        with self._lock:
            if self._stopped:
                raise StoppedError
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A group of its own can be ended whole. Ctrl-C in a terminal does not reach it.
                start_new_session=True,
            )
            self._running.add(process)
        kept = bytearray()
        reader = threading.Thread(target=_read, args=(process, kept), daemon=True)
        reader.start()
        timed_out = False
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            if not timed_out and process.poll() is not None:
                reader.join(_GRACE)
            if reader.is_alive():  # it runs, or left something that does
                end_child(process, group=True)
                reader.join(_GRACE)
            with self._lock:
                self._running.discard(process)
        if self._stopped:
            raise StoppedError
        return Ended(process.returncode, kept.decode("utf-8", "replace"), timed_out)

    def stop(self) -> None:
        """End those that run, and run no more."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            end_child(process, group=True)


def signal_name(status: int) -> str | None:
    """Return what ended a process that did not end by itself, ``None`` where it did.

    A shell, or a script that passes on what a child of its own came to, says a signal as 128 more
    than its number (POSIX, Shell Command Language, 2.8.2).

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


def _read(process: subprocess.Popen[bytes], kept: bytearray) -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        while chunk := os.read(stream.fileno(), _KEPT):
            kept += chunk
            del kept[:-_KEPT]
