# SPDX-License-Identifier: Apache-2.0
"""Returns digests of files and statuses of folders. An unchanged file is not read again."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ..base.file_digest import digest_of
from ..project.build_environment import PACKAGES, stable_names

#: The size of a file, its inode, the time of its content and the time of its inode (both times in
#: nanoseconds). If the content changes, at least one of these values changes. A program that writes
#: the file in place can keep the first three values.
Status = tuple[int, int, int, int]

# The times of a file system advance in steps (4 ms on Linux; 2 s on FAT). A file that is written
# twice within one step has the same times, so the status of a recently written file is not trusted.
_STEP = 2_000_000_000 if os.name == "nt" else 20_000_000


def status_of(path: str) -> Status | None:
    """Return the status of a file, or ``None`` if it is missing. Symbolic links are followed."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def changed_at(status: Status) -> int:
    """Return when a file last changed, in nanoseconds.

    Any program can set the time of the content, but only the kernel sets the time of the inode. On
    Windows, Python returns the time of the file's creation in place of the time of the inode.
    """
    return status[2] if os.name == "nt" else status[3]


def may_change_unseen(status: Status, now: int) -> bool:
    """Whether a change at the time `now`, in nanoseconds, could leave the status unchanged."""
    return abs(now - changed_at(status)) < _STEP


def may_have_changed_since(status: Status, time: int) -> bool:
    """Whether the file may have changed at or after `time`, in nanoseconds."""
    return changed_at(status) > time - _STEP


class FileStates:
    """The files of one build. Each file is examined once.

    Each isolated build has another environment. A file in that environment therefore has a stable
    name such as ``<site-packages>/numpy/x.h``. Two folders on `sys.path` can contain the same
    package, so the second folder has the name ``<site-packages-2>``.

    :param root: the folder that relative paths refer to.
    :param known: digests and statuses that an earlier build recorded, by name.
    """

    def __init__(self, root: Path, known: Mapping[str, tuple[str, Status | None]]) -> None:
        self._root = str(root)
        self._known = known
        names = stable_names(self._root)
        entries = dict.fromkeys(map(os.path.normpath, sys.path))
        packages = [folder for folder in entries if names.get(folder) == PACKAGES]
        numbered = {f: f"{PACKAGES}-{n}" for n, f in enumerate(packages[1:], start=2)}
        self._names = {f: f"<{name}>" for f, name in {**names, **numbered}.items()}
        self._statuses: dict[str, Status | None] = {}
        self._digests: dict[str, str | None] = {}

    def stable(self, text: str) -> str:
        """Return a text in which stable names replace the folders of the build environment."""
        for folder, name in self._names.items():
            text = text.replace(folder, name)
        return text

    def path(self, name: str) -> str:
        """Return the absolute path of a file."""
        if name.startswith("<"):
            for folder, stable in self._names.items():
                if name.startswith(stable):
                    return folder + name[len(stable) :]
        return os.path.join(self._root, name)

    def status(self, name: str) -> Status | None:
        """Return the status that a file had when it was first examined; ``None`` if missing."""
        if name not in self._statuses:
            self._statuses[name] = status_of(self.path(name))
        return self._statuses[name]

    def examined(self) -> dict[str, Status | None]:
        """Return the statuses of all files that have been examined so far."""
        return self._statuses.copy()

    def known_digest(self, name: str) -> str | None:
        """Return the digest of a file, or ``None`` if the file must be read for that."""
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
        self.status(name)  # If the file changes during the read, the status differs.
        content = Path(self.path(name)).read_bytes()
        self._digests.setdefault(name, digest_of(content))
        return content

    def forget(self, name: str) -> None:
        """Examine a file again at the next query."""
        self._statuses.pop(name, None)
        self._digests.pop(name, None)
