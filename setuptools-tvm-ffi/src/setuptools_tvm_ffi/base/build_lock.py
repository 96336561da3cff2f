# SPDX-License-Identifier: Apache-2.0
"""One build of a tree at a time: setuptools and ninja both write to fixed places below `build/`.

The operating system holds the lock and releases it with the process, however that ends. The
file stays; there is nothing stale about it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .errors import PREFIX

#: Set while a lock is held, in this process and for those that it starts, for the hook of an
#: editable install: an import that had to rebuild would wait for this build for ever.
BUILDING_VARIABLE = "_SETUPTOOLS_TVM_FFI_BUILDING"

#: Locks of this process, which its commands take one inside the other, with their open files.
_held: dict[str, int] = {}


@contextlib.contextmanager
def build_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a build folder, waiting, with a message, for whoever has it.

    :param folder: created if need be.
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
    """Return the open files of the locks that this process holds.

    A child that inherits them keeps the locks until it has ended, too.
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
        while not _try_lock(stream):  # its own way to wait gives up after ten seconds
            time.sleep(0.1)

else:
    import fcntl

    def _try_lock(stream: IO[bytes]) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # a file system without locks: as it was before there was one
        return True

    def _lock(stream: IO[bytes]) -> None:
        fcntl.flock(stream, fcntl.LOCK_EX)
