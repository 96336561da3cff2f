# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from email.message import Message

import pytest
from setuptools_tvm_ffi.audit import codes
from setuptools_tvm_ffi.audit.wheel_checks import named_tags, tag_findings


def wheel_file(*tags: str) -> Message:
    message = Message()
    for tag in tags:
        message["Tag"] = tag
    return message


def test_compressed_tag_sets_are_expanded() -> None:
    found = named_tags(wheel_file("py2.py3-none-any", " py3-none-linux_x86_64 "))
    assert set(map(str, found)) == {"py2-none-any", "py3-none-any", "py3-none-linux_x86_64"}


@pytest.mark.parametrize(
    "tag", ["foo", "", "py3-none", "py3-none-any-more", "py3--any", "py3.-none-any", "-" * 9000]
)
def test_an_invalid_tag_is_a_finding(tag: str) -> None:
    said = wheel_file(tag)
    (finding,) = (f for f in tag_findings(frozenset(), said, [], None) if f.code.name == "TVM105")
    assert finding.code is codes.TAG_WHEEL_FILE
    assert "invalid tag" in finding.what
    assert len(finding.what) < 200
