# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.json_file import read_object


def test_an_object_is_read(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_bytes('{"größe": [1, null]}'.encode())
    assert read_object(tmp_path / "file.json") == {"größe": [1, None]}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"a": 1', b"[]", b'["a"]', b'"a"', b"1", b"null", b"\xff{}", b"[" * 100_000],
    ids=lambda content: repr(content[:8]),
)
def test_a_corrupt_file_is_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.json").write_bytes(content)
    assert read_object(tmp_path / "file.json") == {}


def test_a_missing_or_unreadable_file_is_empty(tmp_path: Path) -> None:
    assert read_object(tmp_path / "missing.json") == {}
    assert read_object(tmp_path) == {}
