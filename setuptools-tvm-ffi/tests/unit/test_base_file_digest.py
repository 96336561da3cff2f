# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from setuptools_tvm_ffi.base import file_digest
from setuptools_tvm_ffi.base.file_digest import digest_of


def test_the_digest_is_sha256_in_hexadecimal() -> None:
    assert digest_of(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", [0, 1, 3, 4, 10])
def test_a_file_has_the_digest_of_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(file_digest, "_BLOCK", 4)
    content = bytes(range(size))
    path = tmp_path / "file"
    path.write_bytes(content)
    assert digest_of(path) == digest_of(content) == hashlib.sha256(content).hexdigest()


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        digest_of(tmp_path / "missing")
