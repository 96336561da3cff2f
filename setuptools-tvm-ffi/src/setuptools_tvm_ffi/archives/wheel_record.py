# SPDX-License-Identifier: Apache-2.0
"""Compare the files of a wheel with its ``RECORD``.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# The binary distribution format requires SHA-256 or better.
_ALGORITHMS = {"sha256", "sha384", "sha512"}


@dataclass(frozen=True)
class RecordRow:
    """Hash and size of a file in ``RECORD``; ``None`` if a field is empty."""

    algorithm: str | None
    digest: str | None
    size: int | None

    def problem(self, content: bytes) -> str | None:
        """Return how a file differs from the row, or ``None`` if both agree."""
        if self.algorithm is None or self.digest is None:
            return "has no hash"
        if self.algorithm not in _ALGORITHMS:
            return f"has a {self.algorithm} hash, which installers do not accept"
        found = base64.urlsafe_b64encode(hashlib.new(self.algorithm, content).digest())
        if found.rstrip(b"=").decode() != self.digest.rstrip("="):
            return "has a hash that differs from the file's"
        if self.size is not None and self.size != len(content):
            return f"declares {self.size} bytes, but the file has {len(content)}"
        return None


class RecordFile:
    """A parsed ``RECORD``.

    :ivar rows: the rows by path.
    :ivar problems: errors in the rows themselves, as (path, error).
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
        """Return how a file of the wheel differs from its row, or ``None`` if both agree."""
        if path in self._without_hash:
            return None
        row = self.rows.get(path)
        return "does not list the file" if row is None else row.problem(content)

    def missing(self, paths: Iterable[str]) -> Iterator[str]:
        """Yield the listed paths that are missing from `paths`."""
        yield from self.rows.keys() - set(paths)

    def _add(self, fields: list[str]) -> None:
        if not fields:
            return
        path, text, size = (*fields, "", "")[:3]
        algorithm, _, digest = text.partition("=")
        if path in self.rows:
            self.problems.append((path, "lists the file twice"))
        try:
            number = int(size) if size else None
        except ValueError:
            self.problems.append((path, f"has the invalid size {size!r}"))
            number = None
        self.rows[path] = RecordRow(algorithm or None, digest or None, number)
