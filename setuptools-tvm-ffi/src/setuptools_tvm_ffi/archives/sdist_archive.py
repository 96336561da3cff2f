# SPDX-License-Identifier: Apache-2.0
"""Pack a folder into a reproducible archive that depends only on names, contents and one date.

The standard library writes owners, permissions reduced by the umask, and files in file system
order. setuptools (84) does not change that.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

#: Suffix of each archive format, by setuptools' name of the format.
FORMATS = {
    "gztar": ".tar.gz",
    "bztar": ".tar.bz2",
    "xztar": ".tar.xz",
    "tar": ".tar",
    "zip": ".zip",
}

# Zip archives cannot store earlier times than 1980-01-01.
_FIRST_OF_ZIP = 315532800


def pack(tree: Path, format: str, date: int) -> bytes:  # noqa: A002 - setuptools' word
    """Return an archive of the folder. All names in it start with the name of the folder.

    Tar archives have pax format, as the sdist specification requires
    (https://packaging.python.org/en/latest/specifications/source-distribution-format/).

    :param format: one of `FORMATS`.
    :param date: modification time of all entries, in seconds since 1970.
    """
    if format == "zip":
        return _zip(tree, date)
    content = _tar(tree, date)
    if format == "gztar":
        return _gzip(content, date)
    if format == "bztar":
        return bz2.compress(content)
    return lzma.compress(content) if format == "xztar" else content


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


def _gzip(content: bytes, date: int) -> bytes:
    stream = io.BytesIO()
    # gzip.compress() writes the operating system into the header in some Python releases only.
    with gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=9, mtime=date) as file:
        file.write(content)
    return stream.getvalue()


def _zip(tree: Path, date: int) -> bytes:
    stream = io.BytesIO()
    written = time.gmtime(max(date, _FIRST_OF_ZIP))
    with zipfile.ZipFile(stream, "w") as archive:
        for name, path in _entries(tree):
            folder = path.is_dir()
            entry = zipfile.ZipInfo(f"{name}/" if folder else name, written[:6])
            kind = stat.S_IFDIR if folder else stat.S_IFREG
            entry.external_attr = (kind | _mode(path)) << 16
            entry.create_system = 3  # Unix, also if packed on Windows
            content = b"" if folder else path.read_bytes()
            entry.compress_type = zipfile.ZIP_STORED if folder else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return stream.getvalue()
