# SPDX-License-Identifier: Apache-2.0
"""Detects files that change while the commands of a build run."""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path

from .file_states import FileStates, FileSystemClock, changed_at, status_of


class ChangesDuringRun:
    """Compares files with their state before the commands of a build started.

    Create the object after all inputs have been examined and before the commands start.

    :param written: a file that was just written. The time of its last change is used as the time
        when the commands started.
    """

    def __init__(self, files: FileStates, clock: FileSystemClock, written: Path) -> None:
        self._files, self._clock = files, clock
        self._before = files.examined()
        self.is_unchanged = functools.cache(self._is_unchanged)
        self.has_existed = functools.cache(self._has_existed)
        status = status_of(str(written))
        self._started = 0 if status is None else changed_at(status)
        # The file system's time advances in steps. A file that changes after this pause has a
        # later time than `written`.
        time.sleep(0.005)

    def existed(self, name: str) -> bool:
        """Whether a file was examined before the commands started, and existed at that time."""
        return self._before.get(name) is not None

    def _has_existed(self, name: str) -> bool:
        """Whether a file exists, and was not created after the commands started.

        On Linux and macOS, the result is also false if the file was changed after the commands
        started. Unlike `existed`, this method also covers files that were not examined before the
        commands started.
        """
        path = self._files.path(name)
        try:
            times = os.stat(path).st_ctime_ns, os.lstat(path).st_ctime_ns
        except OSError:
            return False
        return os.path.isfile(path) and not any(map(self._is_recent, times))

    def _is_unchanged(self, name: str) -> bool:
        """Whether a file has not changed since the commands started."""
        # Compute the digest before the statuses are compared. If the file changes after the
        # comparison, the record then contains the old digest, and the next build detects the
        # change.
        self._files.digest(name)
        now = status_of(self._files.path(name))
        if name in self._before:
            return now == self._before[name]
        if now is None:
            return False
        link = os.lstat(self._files.path(name))
        return not self._is_recent(changed_at(now)) and not self._is_recent(link.st_mtime_ns)

    def _is_recent(self, changed: int) -> bool:
        """Whether a file was changed after the commands started.

        The result is false if `changed` is in the future. In that case, a program has set the
        file's time, or a clock was ahead.

        :param changed: the time of the file's last change, in nanoseconds.
        """
        return self._started < changed <= self._clock.now() + 1_000_000_000
