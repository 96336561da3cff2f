# SPDX-License-Identifier: Apache-2.0
"""Compare the files of a wheel with its ``RECORD``.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from dataclasses import dataclass

# The binary distribution format requires SHA-256 or better.
_ALGORITHMS = {"sha256", "sha384", "sha512"}


@dataclass(frozen=True)
class RecordRow:
    """The hash that ``RECORD`` contains for one file.

    If the row has no hash, `algorithm` and `digest` are empty.
    """

    algorithm: str
    digest: str

    def problem(self, content: bytes) -> str | None:
        """Return why this row does not fit the file's content, or ``None`` if the row fits."""
        if not self.digest:
            return "has no hash"
        if self.algorithm not in _ALGORITHMS:
            return f"has a {self.algorithm} hash, which installers do not accept"
        found = base64.urlsafe_b64encode(hashlib.new(self.algorithm, content).digest())
        if found.rstrip(b"=").decode() != self.digest.rstrip("="):
            return "has a hash that differs from the file's"
        return None


class RecordFile:
    """A parsed ``RECORD``.

    :ivar rows: the rows by path.
    :ivar problems: duplicate or unreadable rows, as (path, error).
    """

    def __init__(self, content: bytes, dist_info: str) -> None:
        self.rows: dict[str, RecordRow] = {}
        self.problems: list[tuple[str, str]] = []
        record = f"{dist_info}/RECORD"
        self._without_hash = {record, f"{record}.jws", f"{record}.p7s"}
        try:
            for path, text, *_ in filter(None, csv.reader(io.StringIO(content.decode("utf-8")))):
                if path in self.rows:
                    self.problems.append((path, "lists the file twice"))
                algorithm, _, digest = text.partition("=")
                self.rows[path] = RecordRow(algorithm, digest)
        except (ValueError, csv.Error) as problem:
            # The content is not UTF-8, or a row has only one field.
            self.problems.append((record, f"cannot be read: {problem}"))

    def problem(self, path: str, content: bytes) -> str | None:
        """Return why ``RECORD`` does not fit a file of the wheel, or ``None`` if it fits."""
        if path in self._without_hash:
            return None
        row = self.rows.get(path)
        return "does not list the file" if row is None else row.problem(content)
