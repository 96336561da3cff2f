# SPDX-License-Identifier: Apache-2.0
"""Allows one build per source tree: setuptools and ninja write to fixed paths below `build/`.

The operating system releases the lock when the process ends, even after a crash. The lock file
remains, but is never stale.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .errors import PREFIX

#: While a process holds a lock, this variable is set for the process and its children. An editable
#: install's import hook does not rebuild then: the rebuild would wait forever for this build.
BUILDING_VARIABLE = "_SETUPTOOLS_TVM_FFI_BUILDING"

#: Locks that this process holds: file descriptors by folder. A nested command may ask for a lock
#: that its process already holds.
_held: dict[str, int] = {}


@contextlib.contextmanager
def build_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a build folder.

    If another process holds the lock, print a message and wait.

    :param folder: created if it does not exist.
    """
    key = os.path.realpath(folder)
    if key in _held:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+b") as stream:
        if not _try_lock(stream):
            sys.stderr.write(f"{PREFIX}: waiting for another build in {folder}\n")
            sys.stderr.flush()
            _lock(stream)
        _held[key] = stream.fileno()
        before = os.environ.get(BUILDING_VARIABLE)
        os.environ[BUILDING_VARIABLE] = "1"
        try:
            yield
        finally:
            del _held[key]
            if before is None:
                del os.environ[BUILDING_VARIABLE]
            # Closing the file releases the lock.


def held_files() -> tuple[int, ...]:
    """Return the file descriptors of the locks that this process holds.

    A child that inherits them holds the locks, too, until it ends.
    """
    return tuple(_held.values())


if sys.platform == "win32":
    import msvcrt
    import time

    def _try_lock(stream: IO[bytes]) -> bool:
        stream.seek(0)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _lock(stream: IO[bytes]) -> None:
        while not _try_lock(stream):  # LK_LOCK gives up after ten seconds
            time.sleep(0.1)

else:
    import fcntl

    def _try_lock(stream: IO[bytes]) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # This file system does not support locks: build without one.
        return True

    def _lock(stream: IO[bytes]) -> None:
        fcntl.flock(stream, fcntl.LOCK_EX)
