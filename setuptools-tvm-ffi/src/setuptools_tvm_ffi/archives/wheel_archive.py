# SPDX-License-Identifier: Apache-2.0
"""Open untrusted wheels, with limits on sizes and on member names.

A wheel is a zip archive (https://packaging.python.org/en/latest/specifications/binary-distribution-format/).
"""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO

from packaging.tags import Tag
from packaging.utils import (
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from ..base.errors import BuildError
from ..base.file_replacement import replace_file

_MIB = 1024 * 1024

#: Largest wheel file that `open_wheel` accepts.
MAX_WHEEL_SIZE = 2048 * _MIB
#: Largest uncompressed member.
MAX_MEMBER_SIZE = 1024 * _MIB
#: Total uncompressed size that is always allowed ...
MAX_SMALL_TOTAL = 256 * _MIB
#: ... above it, the largest ratio of total to archive size (libraries deflate to a third) ...
MAX_RATIO = 50
#: ... and the largest total. The largest CUDA wheels unpack to between two and three GiB.
MAX_TOTAL = 4096 * _MIB
MAX_MEMBERS = 20_000
#: Largest file of ``.dist-info`` that is parsed. ``METADATA`` includes the readme.
MAX_METADATA_SIZE = 16 * _MIB
_MAX_NAME_LENGTH = 1000
#: Largest central directory.
MAX_DIRECTORY_SIZE = 4 * _MIB

# End of central directory: signature, disks, counts, size and offset, comment length.
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_LOCATOR_SIGNATURE, _ZIP64_LOCATOR_SIZE = b"PK\x06\x07", 20

# zipfile reads deflate in bounded steps, but expands each bzip2 or LZMA chunk completely, whatever
# its size.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1 | 0x40
_PATCH = 0x20

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_TOOL = "no build tool writes such a wheel; do not install it"
_CHUNK = _MIB
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


@dataclass(frozen=True)
class Member:
    """A file in a wheel: its declared size, and its permissions (0 if none are declared)."""

    size: int
    mode: int


class WheelArchive:
    """An open wheel, as a context manager. Use `open_wheel` to create it.

    :ivar path: the wheel file.
    :ivar name: normalized name of the distribution.
    :ivar version: version of the distribution.
    :ivar tags: compatibility tags of the file name (PEP 425), one for each combination.
    :ivar members: the files by their path in the wheel, in archive order.
    :ivar dist_info: name of the ``.dist-info`` folder.
    """

    def __init__(
        self,
        path: Path,
        name: NormalizedName,
        version: Version,
        tags: frozenset[Tag],
        archive: zipfile.ZipFile,
    ) -> None:
        self.path = path
        self.name = name
        self.version = version
        self.tags = tags
        self._archive = archive
        self._entries = _checked_entries(path.name, archive)
        self.members: Mapping[str, Member] = {
            name: Member(entry.file_size, stat.S_IMODE(entry.external_attr >> 16))
            for name, entry in self._entries.items()
        }
        self.dist_info = self._find_dist_info()

    def __enter__(self) -> WheelArchive:  # noqa: PYI034 - typing.Self is new in 3.11
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._archive.close()

    def read(self, name: str) -> bytes:
        """Return the content of a member.

        :raises BuildError: the member is corrupt, or its size differs from the declared size.
        """
        entry = self._entries[name]
        try:
            with self._archive.open(entry) as stream:
                # BytesIO.getvalue() shares its buffer instead of copying the content.
                gathered = io.BytesIO()
                shutil.copyfileobj(stream, gathered, _CHUNK)
                content = gathered.getvalue()
        except _READ_ERRORS as problem:
            raise self._error(f"member {name!r} cannot be read: {problem}") from None
        except MemoryError:
            raise self._error(f"not enough memory to read member {name!r}") from None
        if len(content) != entry.file_size:
            raise self._error(
                f"member {name!r} has {len(content)} bytes, but its header declares "
                f"{entry.file_size}"
            )
        return content

    def metadata(self) -> Message:
        """Return the fields of ``METADATA``.

        :raises BuildError: the file is missing or too large.
        """
        return self._headers("METADATA")

    def wheel_file(self) -> Message:
        """Return the fields of ``WHEEL``.

        :raises BuildError: the file is missing or too large.
        """
        return self._headers("WHEEL")

    def in_dist_info(self, name: str) -> bytes | None:
        """Return the content of a file in ``.dist-info``, or ``None`` if it is missing.

        :raises BuildError: the file is too large.
        """
        path = f"{self.dist_info}/{name}"
        if path not in self.members:
            return None
        if self.members[path].size > MAX_METADATA_SIZE:
            raise self._error(f"{path} is larger than {MAX_METADATA_SIZE // _MIB} MiB")
        return self.read(path)

    def extract(self, names: Iterable[str], folder: Path) -> list[Path]:
        """Extract members below a folder, under their paths in the wheel; return the files.

        :raises BuildError: a member is corrupt, or a link in `folder` leads out of it.
        """
        root = Path(os.path.realpath(folder))
        written = []
        for name in names:
            file = root / name
            if Path(os.path.realpath(file.parent)) != file.parent:
                raise self._error(f"member {name!r}: its folder in {folder} is a link")
            if file.is_symlink():
                raise self._error(f"member {name!r}: {file} is a link")
            executable = self.members[name].mode & 0o100
            replace_file(file, self.read(name), mode=0o755 if executable else 0o644)
            written.append(file)
        return written

    def _headers(self, filename: str) -> Message:
        content = self.in_dist_info(filename)
        if content is None:
            raise self._error(f"{self.dist_info}/{filename} is missing")
        # Parse the headers alone: the body of METADATA is the description, whatever its type.
        return BytesHeaderParser().parsebytes(content)

    def _find_dist_info(self) -> str:
        folders = {name.partition("/")[0] for name in self.members if "/" in name}
        found = sorted(folder for folder in folders if folder.endswith(".dist-info"))
        if len(found) != 1:
            several = f"several .dist-info folders: {', '.join(found)}"
            raise self._error(several if found else "no .dist-info folder")
        name, _, version = found[0][: -len(".dist-info")].rpartition("-")
        try:
            is_its_own = canonicalize_name(name) == self.name and Version(version) == self.version
        except InvalidVersion:
            is_its_own = False
        if not is_its_own:
            raise self._error(f"{found[0]} belongs to another distribution")
        return found[0]

    def _error(self, what: str) -> BuildError:
        return BuildError(f"{self.path.name}: {what}")


def open_wheel(path: Path) -> WheelArchive:
    """Open a wheel after checking every name and size in its central directory.

    :raises BuildError: the file name is not a wheel's (PEP 427), the file is not a zip archive or
        is corrupt, or the archive exceeds the limits above.
    """
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename as problem:
        raise BuildError(
            f"{path}: {problem}",
            hint="a wheel is named distribution-version-python-abi-platform.whl (PEP 427)",
        ) from None
    try:
        with path.open("rb") as stream:
            if os.fstat(stream.fileno()).st_size > MAX_WHEEL_SIZE:
                raise BuildError(
                    f"{path.name}: the wheel is larger than {MAX_WHEEL_SIZE // _MIB} MiB"
                )
            # zipfile reads the whole central directory into memory: check its size first.
            _check_directory_size(stream)
        archive = zipfile.ZipFile(path)
    except OSError as problem:
        raise BuildError(f"{path}: {problem.strerror or problem}") from None
    except _READ_ERRORS as problem:
        raise BuildError(
            f"{path.name}: not a zip archive, or a corrupt one: {problem}",
            hint="build or download the wheel again",
        ) from None
    try:
        return WheelArchive(path, name, version, tags, archive)
    except BaseException:
        archive.close()
        raise


def _check_directory_size(stream: BinaryIO) -> None:
    """Reject an archive whose central directory is too large to be a wheel's.

    :raises ValueError: the directory is too large, or the end-of-central-directory record is
        missing.
    """
    size = os.fstat(stream.fileno()).st_size
    stream.seek(max(0, size - _END.size - _ZIP64_LOCATOR_SIZE))
    tail = stream.read(_END.size + _ZIP64_LOCATOR_SIZE)
    end = tail[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_SIGNATURE):
        raise ValueError("the end-of-central-directory record is missing")
    directory_size = _END.unpack(end)[5]
    # A ZIP64 record replaces the sizes in the record that follows it.
    is_zip64 = tail[: -_END.size].startswith(_ZIP64_LOCATOR_SIGNATURE)
    if is_zip64 or directory_size > MAX_DIRECTORY_SIZE:
        raise ValueError(f"the central directory is larger than {MAX_DIRECTORY_SIZE // _MIB} MiB")


def _checked_entries(wheel: str, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files by name.

    :raises BuildError: a name or size is outside the limits, or a name is a duplicate.
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
    names = {entry.filename for entry in files}
    for inner in names:
        for folder in map(str, PurePosixPath(inner).parents):
            if folder in names:
                raise BuildError(f"{wheel}: {folder!r} is both a file and the folder of {inner!r}")
    total = sum(entry.file_size for entry in files)
    assert archive.filename is not None
    size = os.path.getsize(archive.filename)
    if total > MAX_SMALL_TOTAL and total > min(MAX_RATIO * size, MAX_TOTAL):
        raise BuildError(
            f"{wheel}: {size} bytes would unpack to {total} bytes",
            hint=f"wheels that unpack to more than {MAX_RATIO} times their size or "
            f"{MAX_TOTAL // _MIB} MiB are rejected as zip bombs",
        )
    return {entry.filename: entry for entry in files}


def _entry_problem(entry: zipfile.ZipInfo) -> str | None:
    problem = _name_problem(entry.orig_filename)
    if problem is not None:
        return problem
    if entry.flag_bits & (_ENCRYPTED | _PATCH):
        return "the member is encrypted"
    if entry.is_dir() and entry.file_size:
        return "the member is a folder with content"
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
    'the name leaves the wheel'
    """
    if len(name) > _MAX_NAME_LENGTH:
        return "the name is too long"
    if "\\" in name or _CONTROL.search(name):
        return "the name contains a backslash or a control character"
    if name.startswith("/") or _DRIVE.match(name):
        return "the name is absolute"
    if ":" in name:
        # On Windows, a colon names an alternate data stream of another file.
        return "the name contains a colon"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "the name leaves the wheel"
    if "" in parts or "." in parts:
        return "the name has an empty or '.' component"
    return None
