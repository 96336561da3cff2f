# SPDX-License-Identifier: Apache-2.0
"""The SHA-256 of a file, whatever its size."""

from __future__ import annotations

import hashlib
from pathlib import Path

_BLOCK = 2**20


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal.

    A wheel with device code may have gigabytes. (`hashlib.file_digest` is new in Python 3.11.)

    :raises OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()
