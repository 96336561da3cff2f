# SPDX-License-Identifier: Apache-2.0
"""Writes files so that a reader sees the old content or the new, never a part of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


def replace_file(path: Path, content: bytes, *, mode: int | None = None) -> bool:
    """Make `path` hold `content`; return whether anything was written.

    A file that holds it already keeps its modification time. Permissions become `mode`; without
    one, an existing file keeps its own and a new one gets what the umask leaves of ``0o666``.
    """
    path = Path(os.path.realpath(path))  # a link stays one
    try:
        permissions = path.stat().st_mode & 0o7777 if mode is None else mode
        if path.read_bytes() == content:
            if path.stat().st_mode & 0o7777 != permissions:
                os.chmod(path, permissions)
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        permissions = 0o666 & ~_umask() if mode is None else mode
    with _replacement(path, permissions) as stream:
        stream.write(content)
    return True


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Open what takes the place of `path` once it is written whole, for content in parts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _replacement(path, 0o666 & ~_umask()) as stream:
        yield stream


@contextlib.contextmanager
def _replacement(path: Path, permissions: int) -> Iterator[IO[bytes]]:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        os.chmod(temporary, permissions)
        # An in-place write would crash a process that has the library mapped.
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
