# SPDX-License-Identifier: Apache-2.0
"""Digests of files and states of folders, without reading a file that has not changed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..base.file_digest import digest_of
from ..project.build_environment import stable_names

#: What a file system changes when a file's content changes: size, inode, and the times of the
#: content and of the inode, in nanoseconds. An in-place copy can keep the first three.
Status = tuple[int, int, int, int]

# The times of a file system advance in steps (4 ms on Linux; 2 s on FAT). A file that is written
# twice within one step has the same times, so its status is not trusted.
_STEP = 2_000_000_000 if os.name == "nt" else 20_000_000


def status_of(path: str) -> Status | None:
    """Return the status of a file, of the target if it is a symbolic link; ``None`` if missing."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def changed_at(status: Status) -> int:
    """Return when a file last changed, in nanoseconds.

    Any program can set the time of the content, but only the kernel sets that of the inode. On
    Windows, the latter is the time of the file's creation.
    """
    return status[2] if os.name == "nt" else status[3]


def may_change_unseen(status: Status, now: int) -> bool:
    """Whether a change at the time `now`, in nanoseconds, could leave the status as it is."""
    return abs(now - changed_at(status)) < _STEP


def may_have_changed_since(status: Status, time: int) -> bool:
    """Whether the status could be that of a change at or after a time, in nanoseconds."""
    return changed_at(status) > time - _STEP


class FileStates:
    """The files of one build, each examined once.

    Files in the environment of the build have names such as ``<site-packages>/numpy/x.h``, because
    each isolated build has another environment.

    :param root: the folder that relative paths refer to.
    :param known: digests and statuses that an earlier build recorded, by name.
    """

    def __init__(self, root: Path, known: Mapping[str, tuple[str, Status | None]]) -> None:
        self._root = str(root)
        self._known = known
        self._places = {f: f"<{name}>" for f, name in stable_names(self._root).items()}
        self._statuses: dict[str, Status | None] = {}
        self._digests: dict[str, str | None] = {}

    def stable(self, text: str) -> str:
        """Return a path, or a text with paths, with stable names of folders of the environment."""
        for folder, name in self._places.items():
            text = text.replace(folder, name)
        return text

    def path(self, name: str) -> str:
        """Return the absolute path of a file."""
        if name.startswith("<"):
            for folder, place in self._places.items():
                if name.startswith(place):
                    path = folder + name[len(place) :]
                    if os.path.lexists(path):
                        return path
        return os.path.join(self._root, name)

    def status(self, name: str) -> Status | None:
        """Return the status of a file when it was first examined; ``None`` if it is missing."""
        if name not in self._statuses:
            self._statuses[name] = status_of(self.path(name))
        return self._statuses[name]

    def examined(self) -> dict[str, Status | None]:
        """Return the statuses of all files that were examined."""
        return self._statuses.copy()

    def known_digest(self, name: str) -> str | None:
        """Return the digest of a file if it is known without reading the file."""
        known = self._known.get(name)
        if name not in self._digests and known is not None and known[1] == self.status(name):
            return known[0]
        return self._digests.get(name)

    def digest(self, name: str) -> str | None:
        """Return the digest of a file; ``None`` if it is missing or not a regular file."""
        if name not in self._digests:
            status = self.status(name)
            known = self._known.get(name)
            if status is None:
                self._digests[name] = None
            elif known is not None and known[1] == status:
                self._digests[name] = known[0]
            else:
                try:
                    self._digests[name] = digest_of(Path(self.path(name)))
                except OSError:
                    self._digests[name] = None
        return self._digests[name]

    def content(self, name: str) -> bytes:
        """Return the content of a file, and note its digest.

        :raises OSError: the file cannot be read.
        """
        self.status(name)  # before reading: a change meanwhile makes the status differ
        content = Path(self.path(name)).read_bytes()
        self._digests.setdefault(name, digest_of(content))
        return content

    def forget(self, name: str) -> None:
        """Examine a file again when it is next asked for."""
        self._statuses.pop(name, None)
        self._digests.pop(name, None)
