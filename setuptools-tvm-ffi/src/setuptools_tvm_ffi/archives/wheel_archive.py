# SPDX-License-Identifier: Apache-2.0
"""Open untrusted wheels, with limits on their sizes and on the names of their members.

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

#: The largest file that is opened.
MAX_WHEEL_SIZE = 2048 * _MIB
#: The largest member that is read.
MAX_MEMBER_SIZE = 1024 * _MIB
#: How much all members together may hold: so much in any case ...
MAX_SMALL_TOTAL = 256 * _MIB
#: ... and beyond it so many times the size of the archive (libraries are deflated to a third) ...
MAX_RATIO = 50
#: ... and no more than this; the largest CUDA wheels unpack to between two and three GiB.
MAX_TOTAL = 4096 * _MIB
MAX_MEMBERS = 20_000
#: The largest file of ``.dist-info`` that is taken apart; ``METADATA`` has the readme in it.
MAX_METADATA_SIZE = 16 * _MIB
_MAX_NAME_LENGTH = 1000
#: The largest central directory that is read.
MAX_DIRECTORY_SIZE = 4 * _MIB

# End of central directory: signature, disks, counts, size and offset, length of the comment.
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_LOCATOR_SIGNATURE, _ZIP64_LOCATOR_SIZE = b"PK\x06\x07", 20

# Deflate is read in bounded steps; zipfile expands a step of bzip2 or LZMA whole, however large.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1 | 0x40
_PATCH = 0x20

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_TOOL = "no build tool writes such a wheel: do not install it"
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
    """A file in a wheel: how large it says it is, and its permissions (0 where it says none)."""

    size: int
    mode: int


class WheelArchive:
    """An open wheel; a context manager. `open_wheel` makes one.

    :ivar path: the file.
    :ivar name: of the distribution, normalized.
    :ivar version: of the distribution.
    :ivar tags: what the file's name promises (PEP 425), one for each combination.
    :ivar members: its files in the archive's order, by their path in the wheel.
    :ivar dist_info: the name of its ``.dist-info`` folder.
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

        :raises BuildError: it is damaged, or another size than it says.
        """
        entry = self._entries[name]
        try:
            with self._archive.open(entry) as stream:
                # Of which the content is no second copy.
                gathered = io.BytesIO()
                shutil.copyfileobj(stream, gathered, _CHUNK)
                content = gathered.getvalue()
        except _READ_ERRORS as problem:
            raise self._error(f"member {name!r} cannot be read: {problem}") from None
        except MemoryError:
            raise self._error(f"member {name!r} takes more memory than there is") from None
        if len(content) != entry.file_size:
            raise self._error(
                f"member {name!r} is said to have {entry.file_size} bytes and has {len(content)}"
            )
        return content

    def metadata(self) -> Message:
        """Return the fields of ``METADATA``.

        :raises BuildError: there is none, or a huge one.
        """
        return self._headers("METADATA")

    def wheel_file(self) -> Message:
        """Return the fields of ``WHEEL``.

        :raises BuildError: there is none, or a huge one.
        """
        return self._headers("WHEEL")

    def in_dist_info(self, name: str) -> bytes | None:
        """Return the content of a file in ``.dist-info``, ``None`` where there is none.

        :raises BuildError: it is huge.
        """
        path = f"{self.dist_info}/{name}"
        if path not in self.members:
            return None
        if self.members[path].size > MAX_METADATA_SIZE:
            raise self._error(f"{path} is larger than that of any wheel")
        return self.read(path)

    def extract(self, names: Iterable[str], folder: Path) -> list[Path]:
        """Write members below a folder, under their paths in the wheel; return the files.

        :raises BuildError: one is damaged, or a link in `folder` leads out of it.
        """
        root = Path(os.path.realpath(folder))
        written = []
        for name in names:
            file = root / name
            if Path(os.path.realpath(file.parent)) != file.parent:
                raise self._error(f"member {name!r}: a link lies where its folder is to be")
            if file.is_symlink():
                raise self._error(f"member {name!r}: a link lies where the file is to be")
            executable = self.members[name].mode & 0o100
            replace_file(file, self.read(name), mode=0o755 if executable else 0o644)
            written.append(file)
        return written

    def _headers(self, filename: str) -> Message:
        content = self.in_dist_info(filename)
        if content is None:
            raise self._error(f"it has no {self.dist_info}/{filename}")
        # Headers alone: what follows METADATA's is a description, whatever type it says it has.
        return BytesHeaderParser().parsebytes(content)

    def _find_dist_info(self) -> str:
        folders = {name.partition("/")[0] for name in self.members if "/" in name}
        found = sorted(folder for folder in folders if folder.endswith(".dist-info"))
        if len(found) != 1:
            what = f"several .dist-info folders: {', '.join(found)}" if found else "no .dist-info"
            raise self._error(f"it has {what}")
        name, _, version = found[0][: -len(".dist-info")].rpartition("-")
        try:
            is_its_own = canonicalize_name(name) == self.name and Version(version) == self.version
        except InvalidVersion:
            is_its_own = False
        if not is_its_own:
            raise self._error(f"its .dist-info is another distribution's: {found[0]}")
        return found[0]

    def _error(self, what: str) -> BuildError:
        return BuildError(f"{self.path.name}: {what}")


def open_wheel(path: Path) -> WheelArchive:
    """Open a wheel, having looked at every name and size that its directory gives.

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
                raise BuildError(f"{path.name}: it is larger than {MAX_WHEEL_SIZE // _MIB} MiB")
            # zipfile reads the whole central directory into memory: check its size first.
            _check_directory_size(stream)
        archive = zipfile.ZipFile(path)
    except OSError as problem:
        raise BuildError(f"{path}: {problem.strerror or problem}") from None
    except _READ_ERRORS as problem:
        raise BuildError(
            f"{path.name}: this is no zip archive, or a damaged one: {problem}",
            hint="build or download it again",
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
        raise ValueError("its directory is larger than that of any wheel")


def _checked_entries(wheel: str, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files by name."""
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise BuildError(f"{wheel}: it has more than {MAX_MEMBERS} members")
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
            raise BuildError(f"{wheel}: member {name!r} is there {count} times")
    names = {entry.filename for entry in files}
    for inner in names:
        for folder in map(str, PurePosixPath(inner).parents):
            if folder in names:
                raise BuildError(f"{wheel}: {folder!r} is a file, and a folder with {inner!r}")
    total = sum(entry.file_size for entry in files)
    assert archive.filename is not None
    size = os.path.getsize(archive.filename)
    if total > MAX_SMALL_TOTAL and total > min(MAX_RATIO * size, MAX_TOTAL):
        raise BuildError(
            f"{wheel}: its {size} bytes would unpack to {total}",
            hint=f"more than {MAX_RATIO} times its size, or than {MAX_TOTAL // _MIB} MiB, is taken "
            "for a zip bomb",
        )
    return {entry.filename: entry for entry in files}


def _entry_problem(entry: zipfile.ZipInfo) -> str | None:
    problem = _name_problem(entry.orig_filename)
    if problem is not None:
        return problem
    if entry.flag_bits & (_ENCRYPTED | _PATCH):
        return "it is encrypted"
    if entry.is_dir() and entry.file_size:
        return "it is a folder, and has content"
    if entry.compress_type not in _METHODS:
        return "it is compressed by another method than deflate"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "it is a link, or another thing that is no file"
    if entry.file_size > MAX_MEMBER_SIZE:
        return f"it would unpack to more than {MAX_MEMBER_SIZE // _MIB} MiB"
    return None


def _name_problem(name: str) -> str | None:
    """Return why a name may lead out of the folder that a wheel is unpacked into.

    >>> _name_problem("pkg/libops.so") is None
    True
    >>> _name_problem("pkg/../../libops.so")
    'the name leaves the wheel'
    """
    if len(name) > _MAX_NAME_LENGTH:
        return "the name is too long"
    if "\\" in name or _CONTROL.search(name):
        return "the name has a backslash or a control character"
    if name.startswith("/") or _DRIVE.match(name):
        return "the name is absolute"
    if ":" in name:
        # To Windows, a hidden stream of another file.
        return "the name has a colon"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "the name leaves the wheel"
    if "" in parts or "." in parts:
        return "the name has an empty part"
    return None
