# SPDX-License-Identifier: Apache-2.0
"""Keeps Zig's headers and sources where every environment finds the same files of them.

Zig's cache (0.17) goes by the time and the inode of each file that it compiles: with those of the
environment at hand, every isolated build would compile the C++ library of its target anew, which
takes minutes.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path

from ..errors import PREFIX

logger = logging.getLogger(__name__)


def keep_library(library: Path, version: str, cache: Path) -> Path:
    """Return the folder that stands for Zig's ``lib`` in the user's cache; the first call makes it.

    Where files can have two names, they get a second; elsewhere they are copied (234 MB in 0.17.1).
    A folder that cannot be made is not missed: `library` itself is returned.

    :param version: of Zig; each release has a folder of its own.
    :param cache: the plugin's folder for what outlives a project.
    """
    kept = cache / f"zig-{version}"
    if kept.is_dir():
        return kept
    logger.info("%s: keeping the sources of Zig's libraries in %s", PREFIX, kept)
    logger.info("%s: the first link for a target compiles them, which takes minutes", PREFIX)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=f".zig-{version}.") as scratch:
            copy = Path(scratch, "lib")
            shutil.copytree(library, copy, copy_function=_link_or_copy)
            os.rename(copy, kept)
    except OSError as error:
        if not kept.is_dir():  # another build may have been quicker
            logger.info("%s: they cannot be kept: %s", PREFIX, error)
            return library
    return kept


def _link_or_copy(source: str, destination: str) -> None:
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)
