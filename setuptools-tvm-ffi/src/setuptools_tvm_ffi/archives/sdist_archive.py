# SPDX-License-Identifier: Apache-2.0
"""Pack a folder into a reproducible archive that depends only on names, contents and one date.

By default, Python's `tarfile` stores the owner, the time and the permissions of each file. The
permissions depend on the umask. setuptools (84) does not normalize these values.
"""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
from pathlib import Path


def pack(tree: Path, date: int) -> bytes:
    """Return a `.tar.gz` of the folder. All names in the archive start with the folder's name.

    The tar archive has pax format, as the sdist specification requires
    (https://packaging.python.org/en/latest/specifications/source-distribution-format/).

    :param date: modification time of all entries, in seconds since 1970.
    """

    def normalized(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = date
        entry.mode = 0o755 if entry.isdir() or entry.mode & stat.S_IXUSR else 0o644
        return entry

    tar, stream = io.BytesIO(), io.BytesIO()
    # setuptools fills the folder with hard links. With `dereference`, the archive contains the
    # contents of the files instead of links.
    with tarfile.open(
        fileobj=tar, mode="w", format=tarfile.PAX_FORMAT, dereference=True
    ) as archive:
        archive.add(tree, tree.name, filter=normalized)
    # Do not call gzip.compress(): in some Python releases, it writes the operating system into the
    # header.
    with gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=9, mtime=date) as file:
        file.write(tar.getvalue())
    return stream.getvalue()
