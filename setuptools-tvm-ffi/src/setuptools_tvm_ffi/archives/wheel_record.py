# SPDX-License-Identifier: Apache-2.0
"""Compares a wheel's files with what its ``RECORD`` says of them.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Those of which the binary distribution format says that they are at least as good as SHA-256.
_ALGORITHMS = {"sha256", "sha384", "sha512"}


@dataclass(frozen=True)
class RecordRow:
    """What ``RECORD`` says of a file; ``None`` where it says nothing."""

    algorithm: str | None
    digest: str | None
    size: int | None

    def problem(self, content: bytes) -> str | None:
        """Return how a file differs from the row, ``None`` where it does not."""
        if self.algorithm is None or self.digest is None:
            return "has no hash"
        if self.algorithm not in _ALGORITHMS:
            return f"has a hash by {self.algorithm}, which installers do not accept"
        found = base64.urlsafe_b64encode(hashlib.new(self.algorithm, content).digest())
        if found.rstrip(b"=").decode() != self.digest.rstrip("="):
            return "has another hash than the file"
        if self.size is not None and self.size != len(content):
            return f"says {self.size} bytes, and the file has {len(content)}"
        return None


class RecordFile:
    """The rows of a ``RECORD`` by path.

    :ivar problems: what is wrong with the rows themselves, as (path, what).
    """

    def __init__(self, content: bytes, dist_info: str) -> None:
        self.rows: dict[str, RecordRow] = {}
        self.problems: list[tuple[str, str]] = []
        self._path = f"{dist_info}/RECORD"
        self._without_hash = {f"{self._path}{suffix}" for suffix in ("", ".jws", ".p7s")}
        try:
            for fields in csv.reader(io.StringIO(content.decode("utf-8"))):
                self._add(fields)
        except (UnicodeDecodeError, csv.Error) as problem:
            self.problems.append((self._path, f"cannot be read: {problem}"))

    def problem(self, path: str, content: bytes) -> str | None:
        """Return what is wrong with the row of a file that is in the wheel."""
        if path in self._without_hash:
            return None
        row = self.rows.get(path)
        return "does not list it" if row is None else row.problem(content)

    def missing(self, paths: Iterable[str]) -> Iterator[str]:
        """Yield what is listed and not among the files that are there."""
        yield from self.rows.keys() - set(paths)

    def _add(self, fields: list[str]) -> None:
        if not fields:
            return
        path, text, size = (*fields, "", "")[:3]
        algorithm, _, digest = text.partition("=")
        if path in self.rows:
            self.problems.append((path, "lists it twice"))
        try:
            number = int(size) if size else None
        except ValueError:
            self.problems.append((path, f"says {size!r} where its size belongs"))
            number = None
        self.rows[path] = RecordRow(algorithm or None, digest or None, number)
