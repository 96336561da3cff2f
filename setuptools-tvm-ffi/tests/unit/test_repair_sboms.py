# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from setuptools_tvm_ffi.repair.sboms import with_new_digests

OLD, NEW, OTHER = "ab" * 32, "cd" * 32, "ef" * 32


def document(*digests: str, **more: object) -> bytes:
    components = [
        {"name": f"größe {number}", "hashes": [{"alg": "SHA-256", "content": digest}]}
        for number, digest in enumerate(digests)
    ]
    whole = {"serialNumber": "urn:uuid:1", **more, "components": [*components, {"name": "plain"}]}
    return json.dumps(whole).encode()


def test_a_changed_file_gets_its_new_digest_and_the_version_increases() -> None:
    made = with_new_digests(document(OLD, OTHER, version=3), {OLD: NEW})
    assert json.loads(made) == json.loads(document(NEW, OTHER, version=4))
    assert "größe" in made.decode()
    assert json.loads(with_new_digests(document(OLD), {OLD: NEW}))["version"] == 2


@pytest.mark.parametrize(
    "content",
    [
        *(document(OTHER), document(), b"", b"{", b"[]", b"{}", b"3", b"\xff", b"[" * 100_000),
        *(b'{"components": 3}', b'{"components": [3]}', b'{"components": [{"hashes": [3]}]}'),
        *(b'{"components": [{"hashes": [{"content": []}]}]}', document(OLD, version="x")),
    ],
)
def test_other_and_invalid_documents_do_not_change(content: bytes) -> None:
    assert with_new_digests(content, {OLD: NEW}) is content
