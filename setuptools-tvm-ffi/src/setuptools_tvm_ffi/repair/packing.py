# SPDX-License-Identifier: Apache-2.0
"""Packs a repaired wheel reproducibly and atomically.

The wheels that the repair tools write depend on the time, on the umask, and on the order in which
the file system lists files.
"""

from __future__ import annotations

import base64
import csv
import io
import stat
import time
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.tags import Tag

from ..archives.deflate import write_member
from ..archives.wheel_archive import WheelArchive
from ..base.errors import BuildError
from ..base.file_digest import digest_of
from ..base.file_replacement import new_file

_SIGNATURES = ("RECORD.jws", "RECORD.p7s")

Date = tuple[int, int, int, int, int, int]


def date_of(wheel: Path, source_date_epoch: str | None) -> Date:
    """Return the date for all members: ``SOURCE_DATE_EPOCH``, or the newest date in the wheel.

    https://reproducible-builds.org/docs/source-date-epoch/

    :raises BuildError: the variable is not a number of seconds.
    """
    if source_date_epoch:
        try:
            date = time.gmtime(int(source_date_epoch))[:6]
        except (ValueError, OverflowError, OSError):
            raise BuildError(
                f"SOURCE_DATE_EPOCH={source_date_epoch!r} is not a number of seconds since 1970"
            ) from None
    else:
        with zipfile.ZipFile(wheel) as archive:
            date = max(entry.date_time for entry in archive.infolist())
    # Zip archives support only this range of times.
    return min(max(date, (1980, 1, 1, 0, 0, 0)), (2107, 12, 31, 23, 59, 58))


def with_tags(wheel_file: bytes, tags: Iterable[Tag]) -> bytes:
    r"""Return the content of ``WHEEL`` with `tags`, sorted, instead of the old tags.

    >>> with_tags(b"Wheel-Version: 1.0\nTag: py3-none-linux_x86_64\n", [Tag("py3", "none", "any")])
    b'Wheel-Version: 1.0\nTag: py3-none-any\n'
    """
    # Do not decode the file, which may be invalid UTF-8.
    kept = [
        line for line in wheel_file.splitlines() if line and not line.lower().startswith(b"tag:")
    ]
    made = [f"Tag: {tag}".encode() for tag in sorted(map(str, tags))]
    return b"\n".join([*kept, *made]) + b"\n"


def pack(archive: WheelArchive, changed: Mapping[str, bytes], path: Path, date: Date) -> None:
    """Write the members of `archive` to `path` with a new ``RECORD``.

    Signatures of the old ``RECORD`` are left out.

    :param changed: maps the names of replaced or added members to their contents.
    """
    dist_info = f"{archive.dist_info}/"
    record = f"{dist_info}RECORD"
    left_out = {record, *(f"{dist_info}{name}" for name in _SIGNATURES)}
    names = {*archive.members, *changed} - left_out
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    with new_file(path) as stream, zipfile.ZipFile(stream, "w") as made:
        # The .dist-info folder comes last, as the wheel specification recommends.
        for name in sorted(names, key=lambda name: (name.startswith(dist_info), name)):
            content = changed[name] if name in changed else archive.read(name)
            is_program = archive.members.get(name, 0) & 0o111
            _write(made, name, content, 0o755 if is_program else 0o644, date)
            digest = base64.urlsafe_b64encode(bytes.fromhex(digest_of(content))).rstrip(b"=")
            writer.writerow((name, f"sha256={digest.decode()}", len(content)))
        writer.writerow((record, "", ""))
        _write(made, record, rows.getvalue().encode(), 0o644, date)


def _write(archive: zipfile.ZipFile, name: str, content: bytes, mode: int, date: Date) -> None:
    entry = zipfile.ZipInfo(name, date)
    entry.create_system = 3  # The value 3 means Unix, so `external_attr` contains Unix permissions.
    entry.external_attr = (stat.S_IFREG | mode) << 16
    write_member(archive, entry, content)
