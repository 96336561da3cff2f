# SPDX-License-Identifier: Apache-2.0
"""SHA-256 digests of files and bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

_BLOCK = 2**20


def digest_of(source: bytes | Path) -> str:
    """Return the SHA-256 of bytes, or of a file's content, as hexadecimal digits.

    The function reads a file in blocks, because a wheel with device code can be gigabytes large.

    >>> digest_of(b"abc")[:16]
    'ba7816bf8f01cfea'

    :raises OSError: the file cannot be read.
    """
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    # Python 3.10 and older do not have `hashlib.file_digest`.
    digest = hashlib.sha256()
    with source.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
