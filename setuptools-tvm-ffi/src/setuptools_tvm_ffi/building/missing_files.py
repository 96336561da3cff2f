# SPDX-License-Identifier: Apache-2.0
"""Detects files that were missing when a step ran, and that exist now.

A step can have thousands of missing files. Therefore the record contains the statuses of the
folders where the files would be created. The files themselves are checked only if a folder has
changed. A name that ends with ``/*`` stands for any file in the folder.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from .file_states import (
    FileStates,
    FileSystemClock,
    Status,
    may_change_unseen,
    may_have_changed_since,
    status_of,
)


def changed_folders(folders: Mapping[str, Status | None], files: FileStates) -> set[str]:
    """Return the folders whose status differs from the recorded status, or is not recorded."""
    return {
        folder
        for folder, status in folders.items()
        if status is None or status_of(files.path(folder)) != status
    }


def appeared(
    missing: Mapping[str, Iterable[str]], changed: Collection[str], files: FileStates
) -> dict[str, str]:
    """Find the steps that could now read a different file than in the last run.

    :param missing: the files that were missing when each step ran. The key is the output of the
        step.
    :param changed: the folders that have changed.
    :returns: for each of these steps, the reason. The key is the output of the step.
    """
    result: dict[str, str] = {}
    exists: dict[str, bool] = {}
    for output, names in missing.items():
        for name in names:
            folder, last = os.path.split(name)
            if last == "*":
                if _existing_folder(name, files) in changed:
                    result[output] = f"files in {folder or '.'} changed"
                continue
            if name not in exists:
                exists[name] = os.path.isfile(files.path(name))
            if exists[name]:
                result[output] = f"{name} is new"
                break
    return result


def folders_to_watch(
    missing: Mapping[str, Iterable[str]], files: FileStates, clock: FileSystemClock
) -> dict[str, Status | None]:
    """Return the statuses of the folders where missing files would be created.

    If a missing file is a symbolic link to a missing target, the result includes the folder of the
    link and the folder of the target.

    If a file in `missing` exists now, the status of its folder is ``None``. The next build then
    examines the folder.

    :param missing: the files that were missing when each step ran.
    :param clock: a clock that was created before the first file was examined.
    """
    folders: dict[str, list[str]] = {}
    parents: dict[str, set[str]] = {}
    for name in dict.fromkeys(name for names in missing.values() for name in names):
        parent = os.path.dirname(name)
        if parent not in parents:
            parents[parent] = {_existing_folder(name, files)}
            if not os.path.isdir(files.path(parent)):
                parents[parent].add(_existing_folder(_target(f"{parent}/*", files), files))
        found = parents[parent]
        if os.path.islink(files.path(name)):
            found = {*found, _existing_folder(_target(name, files), files)}
        for folder in found:
            folders.setdefault(folder, []).append(name)
    return {f: _folder_status(f, names, files, clock) for f, names in folders.items()}


def _folder_status(
    folder: str, missing: Iterable[str], files: FileStates, clock: FileSystemClock
) -> Status | None:
    now = clock.now()
    status = status_of(files.path(folder))
    if status is None or may_change_unseen(status, now):
        return None
    is_new = may_have_changed_since(status, clock.start)
    for name in missing:
        if is_new if os.path.basename(name) == "*" else os.path.isfile(files.path(name)):
            return None
    return status


def _target(name: str, files: FileStates) -> str:
    """Return the name of a file after all symbolic links in its path are resolved."""
    return files.stable(os.path.realpath(files.path(name)))


def _existing_folder(name: str, files: FileStates) -> str:
    folder = os.path.dirname(name)
    while not os.path.isdir(files.path(folder)) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder
