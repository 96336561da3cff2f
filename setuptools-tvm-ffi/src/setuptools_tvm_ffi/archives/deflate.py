# SPDX-License-Identifier: Apache-2.0
"""Compresses the members of wheels, and keeps the compressed large members for the next build.

A large member is compressed in parts, on all processors. Each part becomes a raw deflate stream
(RFC 1951). Each stream except the last ends with an empty block (``Z_SYNC_FLUSH``) instead of a
final block. The joined streams are therefore one stream of the whole member. The tool pigz uses the
same method.
"""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from ..base.file_digest import digest_of
from ..base.file_replacement import new_file, replace_file

# The size of a part in bytes. The size is fixed, so that the content of a wheel does not depend on
# the number of processors. Each additional part makes the compressed stream of a library about 3 KB
# larger.
_PART = 2**20
# `DeflateCache` does not keep members that are smaller than this size, because zipfile compresses
# 64 KiB in about 3 ms.
_LARGE = 2**16
_CRC_SIZE = 4


def deflated(content: bytes) -> bytes:
    """Return a raw deflate stream of `content`, compressed on all processors.

    If `content` has at most 1 MiB, the stream is the same as the stream that zipfile would write.
    """
    # Import `concurrent.futures` only here, because the import takes time. A build without changes
    # compresses no large member, and does not need the module.
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    def deflated_part(begin: int) -> bytes:
        end = begin + _PART
        compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        stream = compressor.compress(memoryview(content)[begin:end])
        return stream + compressor.flush(zlib.Z_SYNC_FLUSH if end < len(content) else zlib.Z_FINISH)

    # zlib releases the GIL, so threads compress in parallel.
    with ThreadPoolExecutor() as pool:
        return b"".join(pool.map(deflated_part, range(0, len(content) or 1, _PART)))


class DeflateCache:
    """A folder that keeps deflate streams for the next build, one stream in each file.

    Only one process may use the folder at a time. Each file ends with the CRC of the stream, so
    that a truncated or corrupt file is detected.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._used: set[str] = set()

    def deflated(self, content: bytes) -> bytes:
        """Return the deflate stream of `content`.

        If the folder has no valid file for the stream, compress `content` and write the file.
        """
        # Different versions of zlib return different streams, so the name of the file includes the
        # version. The next build can run in another Python, which can use another version of zlib.
        name = f"{digest_of(content)}-{zlib.ZLIB_RUNTIME_VERSION}"
        self._used.add(name)
        with contextlib.suppress(OSError):
            kept = (self._folder / name).read_bytes()
            stream = kept[:-_CRC_SIZE]
            if _crc(stream) == kept[-_CRC_SIZE:]:
                return stream
        stream = deflated(content)
        replace_file(self._folder / name, stream + _crc(stream))
        return stream

    def remove_unused(self) -> None:
        """Delete the files of all streams that this object has not returned."""
        if self._folder.is_dir():
            for file in self._folder.iterdir():
                if file.name not in self._used:
                    file.unlink()


def _crc(stream: bytes) -> bytes:
    return zlib.crc32(stream).to_bytes(_CRC_SIZE, "big")


def write_member(
    archive: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    content: bytes,
    deflate: Callable[[bytes], bytes] = deflated,
) -> None:
    """Add a compressed member to an archive.

    :param entry: the name, the time and the permissions of the member.
    :param deflate: a function that returns the deflate stream of a large member. zipfile compresses
        all other members.
    """
    entry.compress_type = zipfile.ZIP_DEFLATED
    if len(content) < _LARGE:
        archive.writestr(entry, content)
        return
    stream = deflate(content)
    # zipfile reads `file_size` to decide whether the member needs a header in ZIP64 format.
    entry.file_size = len(content)
    with archive.open(entry, "w") as member:
        # zipfile cannot write data that is already compressed. Replace zipfile's compressor by an
        # object that returns the stream. The attribute `_compressor` is private. If a release of
        # Python does not have this attribute, zipfile compresses the content itself.
        compressor = SimpleNamespace(compress=lambda _: stream, flush=bytes)
        member._compressor = compressor  # type: ignore[attr-defined] # noqa: SLF001
        member.write(content)


def deflate_members(wheel: Path, folder: Path) -> None:
    """Compress the members of a wheel that was written without compression.

    :param folder: the folder of a `DeflateCache`. Afterwards, the folder contains only the large
        members of this wheel.
    """
    cache = DeflateCache(folder)
    # Close the archives before `new_file` replaces the wheel: Windows does not replace open files.
    with (
        new_file(wheel) as stream,
        zipfile.ZipFile(wheel) as stored,
        zipfile.ZipFile(stream, "w") as packed,
    ):
        for old in stored.infolist():
            entry = zipfile.ZipInfo(old.filename, old.date_time)
            entry.external_attr = old.external_attr
            write_member(packed, entry, stored.read(old), cache.deflated)
    cache.remove_unused()
