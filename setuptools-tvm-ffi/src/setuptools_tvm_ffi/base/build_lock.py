# SPDX-License-Identifier: Apache-2.0
"""Allows one build at a time in a build folder, because all builds write to the same paths.

A build locks a file in its build folder. The operating system releases the lock when the process
ends, even after a crash. The file remains, but a file without a lock does not block the next build.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .errors import PREFIX

#: An environment variable that a build sets for its own process and its child processes. While the
#: variable is set, the import hook of an editable install does not rebuild. Otherwise, a rebuild in
#: a child process would wait for the running build, and the running build would wait for the child.
BUILDING_VARIABLE = "_SETUPTOOLS_TVM_FFI_BUILDING"

# On Windows, other processes cannot read a locked byte. The lock therefore covers only the first
# byte of the lock file. The next bytes contain the ID of the process that holds the lock.
_LOCKED, _DIGITS = 1, 20

#: The locks that this process holds: a mapping from the build folder to the file descriptor of its
#: lock file. A nested command may request a lock that its process already holds.
_held: dict[str, int] = {}


@contextlib.contextmanager
def build_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a build folder during the ``with`` block.

    If another process holds the lock, print a message and wait.

    :param folder: the build folder. It is created if it does not exist.
    """
    key = os.path.realpath(folder)
    if key in _held:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(
        folder / "lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666
    )
    with os.fdopen(descriptor, "r+b") as stream:
        if not _try_lock(stream):
            stream.seek(_LOCKED)
            holder = stream.read(_DIGITS).decode(errors="replace").strip()
            process = f" (process {holder})" if holder else ""
            sys.stderr.write(f"{PREFIX}: waiting for another build{process} in {folder}\n")
            sys.stderr.flush()
            _lock(stream)
        stream.seek(_LOCKED)
        stream.write(f"{os.getpid():<{_DIGITS}}".encode())
        stream.flush()
        _held[key] = stream.fileno()
        before = os.environ.get(BUILDING_VARIABLE)
        os.environ[BUILDING_VARIABLE] = "1"
        try:
            yield
        finally:
            del _held[key]
            if before is None:
                del os.environ[BUILDING_VARIABLE]
            # The `with` block around `try` then ends and closes the lock file, which releases the
            # lock.


def held_files() -> tuple[int, ...]:
    """Return the file descriptors of the lock files that this process has locked.

    If a child process inherits such a file descriptor, the folder stays locked until the child
    ends.
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
        # Try again until the lock is free. The mode LK_LOCK would give up after ten seconds.
        while not _try_lock(stream):
            time.sleep(0.1)

else:
    import fcntl

    def _try_lock(stream: IO[bytes]) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # This file system does not support locks: build without a lock.
        return True

    def _lock(stream: IO[bytes]) -> None:
        fcntl.flock(stream, fcntl.LOCK_EX)
