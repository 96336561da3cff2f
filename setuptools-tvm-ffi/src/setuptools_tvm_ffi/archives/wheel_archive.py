# SPDX-License-Identifier: Apache-2.0
"""Open untrusted wheels, with limits on sizes and on member names.

A wheel is a zip archive (https://packaging.python.org/en/latest/specifications/binary-distribution-format/).
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, NormalizedName, parse_wheel_filename

from ..base.errors import BuildError
from ..base.file_replacement import replace_file

_MIB = 1024 * 1024

#: A member must not unpack to more than this number of bytes.
MAX_MEMBER_SIZE = 1024 * _MIB
#: `MAX_RATIO` does not apply to a wheel that unpacks to at most this number of bytes.
MAX_SMALL_TOTAL = 256 * _MIB
#: The unpacked size of a wheel divided by the size of the archive must not exceed this number. For
#: libraries, the ratio is about three.
MAX_RATIO = 50
#: A wheel must not unpack to more than this number of bytes. The largest CUDA wheels unpack to two
#: to three GiB.
MAX_TOTAL = 4096 * _MIB
MAX_MEMBERS = 20_000
_MAX_NAME_LENGTH = 1000

# The accepted compression methods. bzip2 and LZMA are rejected: with these methods, zipfile cannot
# limit how much it decompresses in one step.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_TOOL = "no build tool writes such a wheel; do not install it"
_READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
)


class WheelArchive:
    """An open wheel. Use `open_wheel` to create it.

    :ivar path: the wheel file.
    :ivar name: normalized name of the distribution.
    :ivar tags: compatibility tags in the file name (PEP 425); compressed tag sets are expanded.
    :ivar members: maps the path of each file in the wheel to the file's permissions. The paths are
        in the order of the archive. The permissions are 0 if the archive does not record them.
    :ivar dist_info: name of the ``.dist-info`` folder.
    """

    def __init__(
        self, path: Path, name: NormalizedName, tags: frozenset[Tag], archive: zipfile.ZipFile
    ) -> None:
        self.path = path
        self.name = name
        self.tags = tags
        self._archive = archive
        self._entries = _checked_entries(path.name, archive)
        self.members: Mapping[str, int] = {
            name: stat.S_IMODE(entry.external_attr >> 16) for name, entry in self._entries.items()
        }
        folders = {name.partition("/")[0] for name in self.members if "/" in name}
        found = sorted(folder for folder in folders if folder.endswith(".dist-info"))
        if len(found) != 1:
            several = f"several .dist-info folders: {', '.join(found)}"
            raise self._error(several if found else "no .dist-info folder")
        self.dist_info = found[0]

    def read(self, name: str) -> bytes:
        """Return the content of a member.

        :raises BuildError: the member is corrupt.
        """
        try:
            with self._archive.open(self._entries[name]) as stream:
                # Decompress in small steps, so that no more than the declared size is decompressed.
                # BytesIO.getvalue() returns the buffer without copying it.
                gathered = io.BytesIO()
                shutil.copyfileobj(stream, gathered, _MIB)
                return gathered.getvalue()
        except _READ_ERRORS as problem:
            raise self._error(f"member {name!r} cannot be read: {problem}") from None

    def headers(self, name: str) -> Message:
        """Return the fields of ``METADATA`` or ``WHEEL``.

        :raises BuildError: the file is missing.
        """
        content = self.in_dist_info(name)
        if content is None:
            raise self._error(f"{self.dist_info}/{name} is missing")
        # Parse only the headers. The body of METADATA is the description, in any content type.
        return BytesHeaderParser().parsebytes(content)

    def in_dist_info(self, name: str) -> bytes | None:
        """Return the content of a file in ``.dist-info``, or ``None`` if the file is missing."""
        path = f"{self.dist_info}/{name}"
        return self.read(path) if path in self.members else None

    def extract(self, names: Iterable[str], folder: Path) -> list[Path]:
        """Extract members to their paths below a folder, and return the extracted files.

        :raises BuildError: a member is corrupt.
        """
        written = []
        for name in names:
            executable = self.members[name] & 0o100
            replace_file(folder / name, self.read(name), mode=0o755 if executable else 0o644)
            written.append(folder / name)
        return written

    def _error(self, what: str) -> BuildError:
        return BuildError(f"{self.path.name}: {what}")


@contextlib.contextmanager
def open_wheel(path: Path) -> Iterator[WheelArchive]:
    """Open a wheel after checking every name and size in its central directory.

    :raises BuildError: the file name is invalid (PEP 427), the file is not a zip archive or is
        corrupt, or the archive exceeds a limit of this module.
    """
    if not path.exists():
        raise BuildError(f"{path}: {os.strerror(errno.ENOENT)}")
    try:
        name, _, _, tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename as problem:
        raise BuildError(
            f"{path}: {problem}",
            hint="a wheel is named distribution-version-python-abi-platform.whl (PEP 427)",
        ) from None
    try:
        archive = zipfile.ZipFile(path)
    except OSError as problem:
        raise BuildError(f"{path}: {problem.strerror or problem}") from None
    except _READ_ERRORS as problem:
        raise BuildError(
            f"{path.name}: not a zip archive, or a corrupt zip archive: {problem}",
            hint="build or download the wheel again",
        ) from None
    with archive:
        yield WheelArchive(path, name, tags, archive)


def _checked_entries(wheel: str, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return a map from the name of each file in the archive to the file's entry.

    :raises BuildError: an entry is unsafe or too large, a name occurs twice, or the archive as a
        whole exceeds a limit.
    """
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise BuildError(f"{wheel}: more than {MAX_MEMBERS} members")
    for entry in entries:
        problem = _entry_problem(entry)
        if problem is not None:
            raise BuildError(
                f"{wheel}: member {entry.orig_filename[:_MAX_NAME_LENGTH]!r}: {problem}",
                hint=_NO_TOOL,
            )
    files = [entry for entry in entries if not entry.is_dir()]
    for name, count in Counter(entry.filename for entry in files).items():
        if count > 1:
            raise BuildError(f"{wheel}: {count} members are named {name!r}")
    total = sum(entry.file_size for entry in files)
    assert archive.filename is not None
    size = os.path.getsize(archive.filename)
    if total > MAX_SMALL_TOTAL and total > min(MAX_RATIO * size, MAX_TOTAL):
        raise BuildError(
            f"{wheel}: the archive's {size} bytes would unpack to {total} bytes",
            hint=f"wheels that unpack to more than {MAX_RATIO} times their size or "
            f"{MAX_TOTAL // _MIB} MiB are rejected as zip bombs",
        )
    return {entry.filename: entry for entry in files}


def _entry_problem(entry: zipfile.ZipInfo) -> str | None:
    problem = _name_problem(entry.orig_filename)
    if problem is not None:
        return problem
    if entry.compress_type not in _METHODS:
        return "the compression method is not deflate"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "the member is a link or another special file"
    if entry.file_size > MAX_MEMBER_SIZE:
        return f"the member would unpack to more than {MAX_MEMBER_SIZE // _MIB} MiB"
    return None


def _name_problem(name: str) -> str | None:
    """Return why a member name is unsafe to extract, or ``None`` if it is safe.

    >>> _name_problem("pkg/libops.so") is None
    True
    >>> _name_problem("pkg/../../libops.so")
    "the name contains '..'"
    """
    if len(name) > _MAX_NAME_LENGTH:
        return "the name is too long"
    if "\\" in name or _CONTROL.search(name):
        return "the name contains a backslash or a control character"
    # On Windows, a colon can follow a drive letter or precede the name of an alternate data stream.
    # A name with a colon is therefore unsafe.
    if name.startswith("/") or ":" in name:
        return "the name is absolute or contains a colon"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "the name contains '..'"
    if "" in parts or "." in parts:
        return "the name has an empty or '.' component"
    return None
