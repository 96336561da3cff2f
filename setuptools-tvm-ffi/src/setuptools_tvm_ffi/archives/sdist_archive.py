# SPDX-License-Identifier: Apache-2.0
"""Pack a folder into a reproducible archive that depends only on names, contents and one date.

The standard library writes owners, permissions reduced by the umask, and files in file system
order. setuptools (84) does not change that.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path


def pack(tree: Path, date: int) -> bytes:
    """Return a `.tar.gz` of the folder. All names in it start with the name of the folder.

    The tar archive has pax format, as the sdist specification requires
    (https://packaging.python.org/en/latest/specifications/source-distribution-format/).

    :param date: modification time of all entries, in seconds since 1970.
    """
    stream = io.BytesIO()
    # gzip.compress() writes the operating system into the header in some Python releases only.
    with gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=9, mtime=date) as file:
        file.write(_tar(tree, date))
    return stream.getvalue()


def _entries(tree: Path) -> Iterator[tuple[str, Path]]:
    """Yield the archive name and path of every folder and file, folders before their contents."""
    yield tree.name, tree
    for parent, folders, files in os.walk(tree):
        folders.sort()
        for name in sorted((*folders, *files)):
            path = Path(parent, name)
            yield path.relative_to(tree.parent).as_posix(), path


def _mode(path: Path) -> int:
    """Return 0o755 for folders and files that the owner may execute, otherwise 0o644."""
    return 0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644


def _tar(tree: Path, date: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, path in _entries(tree):
            entry = tarfile.TarInfo(name)
            entry.mtime = date
            entry.mode = _mode(path)
            if path.is_dir():
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                content = path.read_bytes()
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()
