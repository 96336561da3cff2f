# SPDX-License-Identifier: Apache-2.0
"""Replaces files atomically: a reader sees the old content or the new content, never a mix."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# O_BINARY and O_NOINHERIT exist only on Windows. On Linux and macOS, every file is binary, and
# `os.open` makes the file descriptor non-inheritable.
_NEW_FILE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)


def replace_file(path: Path, content: bytes, *, mode: int | None = None) -> bool:
    """Write `content` to `path` unless the file already has that content.

    A file that already has the content keeps its modification time. If `path` is a symbolic link,
    the function replaces the file that the link refers to.

    :param mode: permissions of the file. By default, an existing file keeps its permissions, and a
        new file gets ``0o666`` less the umask.
    :returns: whether the content was written.
    """
    path = Path(os.path.realpath(path))
    permissions = mode
    try:
        if permissions is None:
            permissions = path.stat().st_mode & 0o7777
        if path.read_bytes() == content:
            if path.stat().st_mode & 0o7777 != permissions:
                os.chmod(path, permissions)
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    with _replacement(path, permissions) as stream:
        stream.write(content)
    return True


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces `path` when the ``with`` block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _replacement(path, None) as stream:
        yield stream


@contextlib.contextmanager
def _replacement(path: Path, permissions: int | None) -> Iterator[IO[bytes]]:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    # If `permissions` is None, the kernel applies the umask to 0o666. This function cannot apply
    # the umask, because `os.umask` cannot read the umask without changing it. The change would
    # affect all threads and new child processes.
    #
    # If `permissions` is set, the temporary file is private (0o600) until it is complete. Then
    # `os.chmod` sets the permissions.
    descriptor = os.open(temporary, _NEW_FILE, 0o666 if permissions is None else 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        if permissions is not None:
            os.chmod(temporary, permissions)
        # Replace the file instead of writing into it: if a process has loaded the file as a shared
        # library, writing into the file would crash the process.
        os.replace(temporary, path)
    except BaseException as problem:
        os.unlink(temporary)
        if isinstance(problem, OSError) and problem.filename is None:
            # The error of a failed write does not name the file, so add the name.
            problem.filename = str(path)
        raise
