# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from setuptools_tvm_ffi.base.file_digest import digest_of, sha256_of

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_digest_is_sha256_in_hexadecimal() -> None:
    assert sha256_of(b"") == EMPTY


def test_a_file_has_the_digest_of_its_content(tmp_path: Path) -> None:
    content = b"x" * (2**20 + 1)
    file = tmp_path / "file"
    file.write_bytes(content)
    assert digest_of(file) == sha256_of(content)
