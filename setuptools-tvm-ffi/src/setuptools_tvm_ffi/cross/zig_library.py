# SPDX-License-Identifier: Apache-2.0
"""Keeps a copy of Zig's headers and sources in the user's cache. All environments share the copy.

Zig compiles the C++ standard library of each target from source, which takes minutes. Zig (0.17)
reuses the result only if the time and the inode of each source file are unchanged. Each isolated
build installs Zig again, and thus new files. Without the shared copy, each build would compile the
library again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import time
from pathlib import Path

from ..base.errors import PREFIX

# A folder with the bytecode of Zig's debugger scripts. The bytecode contains the path of the
# environment, so environments cannot share the folder.
_COMPILED = "__pycache__"
_SECONDS_UNTIL_LEFT_OVER = 24 * 60 * 60
_SECONDS_UNTIL_UNUSED = 60 * 24 * 60 * 60

logger = logging.getLogger(__name__)


def keep_library(library: Path, version: str, cache: Path) -> Path:
    """Return the cached copy of Zig's ``lib`` folder, after creating the copy if necessary.

    If the file system allows it, the cached files are hard links to the files in `library`.
    Otherwise the content is copied (234 MB in 0.17.1). If the cached files are incomplete or differ
    from `library`, they are replaced. If the copy cannot be created, `library` is returned.

    :param library: Zig's ``lib`` folder in this environment.
    :param version: the version of Zig. The cache contains one copy for each version.
    :param cache: the plugin's folder in the user's cache.
    """
    kept = cache / f"zig-{version}"
    if _is_complete(kept, library):
        _mark_as_used(kept)
        return kept
    logger.info("%s: caching the sources of Zig's libraries in %s", PREFIX, kept)
    logger.info("%s: the first link for a target compiles these sources (takes minutes)", PREFIX)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=f".zig-{version}.") as scratch:
            copy = Path(scratch, "lib")
            left_out = shutil.ignore_patterns(_COMPILED)
            shutil.copytree(library, copy, ignore=left_out, copy_function=_link_or_copy)
            if kept.is_dir():  # The copy is incomplete, or Zig's own files have changed.
                os.rename(kept, Path(scratch, "old"))
            _mark_as_used(copy)
            os.rename(copy, kept)
            _remove_unused(cache, Path(scratch))
    except OSError as error:
        if not _is_complete(kept, library):  # Another build may have created the copy first.
            logger.info("%s: cannot cache the sources of Zig's libraries: %s", PREFIX, error)
            return library
    return kept


def _is_complete(kept: Path, library: Path) -> bool:
    try:
        return _sizes(kept) == _sizes(library)
    except OSError:  # The copy is missing, or another build is replacing the copy.
        return False


def _mark_as_used(kept: Path) -> None:
    """Set the folder's modification time to now, because :func:`_remove_unused` reads this time.

    Zig does not use the folder's time, but only the times of the files in the folder.
    """
    with contextlib.suppress(OSError):  # The cache may be read-only.
        os.utime(kept)


def _remove_unused(cache: Path, scratch: Path) -> None:
    """Remove copies that no build has used for 60 days, and temporary folders of killed builds.

    The function moves these folders to `scratch`, and the caller deletes `scratch`. A build
    therefore never sees a folder that is partly deleted.
    """
    for pattern, seconds in (
        ("zig-*", _SECONDS_UNTIL_UNUSED),
        (".zig-*", _SECONDS_UNTIL_LEFT_OVER),
    ):
        for folder in cache.glob(pattern):
            with contextlib.suppress(OSError):  # Another build may delete the same folder.
                if time.time() - folder.stat().st_mtime > seconds:
                    os.rename(folder, scratch / folder.name)


def _sizes(folder: Path) -> dict[str, int]:
    """Return a mapping from the relative path of each file below a folder to the file's size."""
    sizes = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != _COMPILED]
        for name in files:
            path = os.path.join(parent, name)
            sizes[path[len(str(folder)) :]] = os.stat(path).st_size
    return sizes


def _link_or_copy(source: str, destination: str) -> None:
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)
