# SPDX-License-Identifier: Apache-2.0
"""Lets a command clean up when a signal terminates it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt so that clean-up code runs.

    A closing terminal, `docker stop` or a CI service may send the signal only to this process. The
    clean-up code must then end the child processes.

    Python accepts signal handlers only in the main thread. In another thread, this context manager
    does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {}

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        # Ignore further signals: they would interrupt the clean-up.
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        # The parent process can have started this process with a signal ignored. For example, nohup
        # starts a program with SIGHUP ignored. Do not handle such a signal.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.getsignal(number)
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # Python cannot restore a handler that it did not install.
                signal.signal(number, handler)
