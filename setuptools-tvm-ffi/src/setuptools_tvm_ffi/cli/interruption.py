# SPDX-License-Identifier: Apache-2.0
"""Has a command that is told to end clean up before it does."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Have every request to end be one to clean up, as Ctrl-C is.

    Children may be in sessions of their own: a terminal that is closed tells this process alone.
    """
    before: dict[signal.Signals, Any] = {}

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        # Once is enough: another one would interrupt the cleaning up.
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        # What is ignored, as by nohup, stays so.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.getsignal(number)
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # one that is no Python function
                signal.signal(number, handler)
