# SPDX-License-Identifier: Apache-2.0
"""Computes digests of files. A file is not read again if its status has not changed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from ..base.file_digest import digest_of
from ..project.build_environment import PACKAGES, stable_names

#: Four values that describe a file: the size, the inode, the time when the content changed, and the
#: time when the inode changed. Times are in nanoseconds. If the content changes, at least one value
#: changes. A program that writes the file in place can preserve at most the first three values.
Status = tuple[int, int, int, int]

# The times of a file system advance in steps (4 ms on Linux; 2 s on FAT). If a file is written
# twice within one step, the times of the file are the same after both writes. The status of a file
# that was written recently is therefore not trusted.
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

    The result is the time when the inode changed, because programs cannot set this time. On
    Windows, Python does not return this time, so the result is the time when the content changed.
    """
    return status[2] if os.name == "nt" else status[3]


def may_change_unseen(status: Status, now: int) -> bool:
    """Whether a file with this status could change at the time `now` and keep the status.

    :param now: a time in nanoseconds.
    """
    return abs(now - changed_at(status)) < _STEP


def may_have_changed_since(status: Status, time: int) -> bool:
    """Whether a file with this status may have changed at or after `time`, in nanoseconds."""
    return changed_at(status) > time - _STEP


def wait_until_trusted() -> None:
    """Wait until the statuses of files that were just written can be trusted.

    If a command has just generated a file, `may_change_unseen` is true for this file. Without this
    pause, the build could not record a status of the file. The next import of an editable install
    would then rebuild.
    """
    # The clock of a file system can be up to one step behind the clock of this machine, so wait
    # for more than one step.
    time.sleep(1.5 * _STEP / 1e9)


class FileSystemClock:
    """The clock of a file system. Its time may differ from the time of this machine.

    :param paths: files or folders of the file system. Reading the clock updates the times of the
        first path that exists.
    """

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self.start = self.now()

    def now(self) -> int:
        """Return the file system's current time, in nanoseconds."""
        for path in self._paths:
            try:
                os.utime(path)
            except OSError:  # The file or folder does not exist.
                continue
            status = status_of(str(path))
            if status is not None:
                return changed_at(status)
        return time.time_ns()


class FileStates:
    """The digests and statuses of files during one build. Each file is examined once.

    Methods take the name of a file. For most files, the name is the path. For a file in the build
    environment, the name starts with ``<site-packages>``, as in ``<site-packages>/numpy/x.h``. Each
    isolated build creates its environment in a new folder, so the path changes, but the name does
    not. If `sys.path` contains a second folder of packages, the names of the files in that folder
    start with ``<site-packages-2>``.

    :param root: the folder that relative paths refer to.
    :param known: the digest and the status that an earlier build recorded for each name.
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

    @property
    def environment_folders(self) -> tuple[str, ...]:
        """The folders of the build environment. `stable` replaces their paths with names."""
        return tuple(self._names)

    def stable(self, text: str) -> str:
        """Return `text`, with the folders of the build environment replaced by stable names."""
        for folder, name in self._names.items():
            text = text.replace(folder, name)
        return text

    def path(self, name: str) -> str:
        """Return the absolute path of the file with this name."""
        if name.startswith("<"):
            for folder, stable in self._names.items():
                if name.startswith(stable):
                    return folder + name[len(stable) :]
        return os.path.join(self._root, name)

    def status(self, name: str) -> Status | None:
        """Return the status that a file had at the first query; ``None`` if it was missing then."""
        if name not in self._statuses:
            self._statuses[name] = status_of(self.path(name))
        return self._statuses[name]

    def examined(self) -> dict[str, Status | None]:
        """Return the name and the status of each file that has been examined so far."""
        return self._statuses.copy()

    def trusted_status(self, name: str, clock: FileSystemClock) -> Status | None:
        """Return the status of a file, or ``None`` if the status cannot be trusted.

        The status cannot be trusted if it may belong to other content than the digest.

        :param clock: a clock that was created before the first file was examined.
        """
        status = self.status(name)
        if status is None or not may_have_changed_since(status, clock.start):
            return status
        # The file may have been written while this process read it. The digest and the status then
        # belong to different contents. If the last write was so recent that a later write may leave
        # the status unchanged, do not trust the status, because the next build would not detect the
        # later write. Otherwise, read the file again, and trust the status only if the digest is
        # the same.
        if may_change_unseen(status, clock.now()):
            return None
        try:
            digest = digest_of(Path(self.path(name)))
        except OSError:
            return None
        return status if digest == self.digest(name) else None

    def known_digest(self, name: str) -> str | None:
        """Return the digest of a file, or ``None`` if the file must be read first."""
        known = self._known.get(name)
        if name not in self._digests and known is not None and known[1] == self.status(name):
            return known[0]
        return self._digests.get(name)

    def digest(self, name: str) -> str | None:
        """Return the digest of a file, or ``None`` if the file is missing or cannot be read."""
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
        """Return the content of a file, and keep the digest for later queries.

        :raises OSError: the file cannot be read.
        """
        self.status(name)  # Query the status before the read, to detect a change during the read.
        content = Path(self.path(name)).read_bytes()
        self._digests.setdefault(name, digest_of(content))
        return content

    def forget(self, name: str) -> None:
        """Forget a file's digest and status. The next query examines the file again."""
        self._statuses.pop(name, None)
        self._digests.pop(name, None)
