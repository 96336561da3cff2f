# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from email.message import Message

import pytest
from setuptools_tvm_ffi.audit import codes
from setuptools_tvm_ffi.audit.stub_files import PromisedNames
from setuptools_tvm_ffi.audit.wheel_checks import named_tags, searched_strings, tag_findings


def test_names_that_no_package_has_are_not_looked_for() -> None:
    names = ("pkg.add", "x" * 501, *("pkg." + "y" * n for n in range(400)))
    found = searched_strings({"pkg/a.py": PromisedNames(registered=names)})
    assert {"pkg.add", "\0add", "\0" + "y" * 399} <= found
    assert "x" * 501 not in found
    many = tuple(f"{n:04}{'z' * 400}" for n in range(2000))
    assert sum(map(len, searched_strings({"pkg/a.py": PromisedNames(registered=many)}))) <= 400_000


def wheel_file(*tags: str) -> Message:
    message = Message()
    for tag in tags:
        message["Tag"] = tag
    return message


def test_each_combination_of_a_compressed_set_is_a_tag() -> None:
    found = named_tags(wheel_file("py2.py3-none-any", " py3-none-linux_x86_64 "))
    assert set(map(str, found)) == {"py2-none-any", "py3-none-any", "py3-none-linux_x86_64"}


@pytest.mark.parametrize(
    "tag", ["foo", "", "py3-none", "py3-none-any-more", "py3--any", "py3.-none-any", "-" * 9000]
)
def test_what_is_no_tag_is_a_finding(tag: str) -> None:
    said = wheel_file(tag)
    (finding,) = (f for f in tag_findings(frozenset(), said, [], None) if f.code.name == "TVM105")
    assert finding.code is codes.TAG_WHEEL_FILE
    assert "invalid tag" in finding.what
    assert len(finding.what) < 200


@pytest.mark.parametrize(
    "tags",
    [
        # A thousand million of them, which are not to be made.
        (f"{'.'.join(['a'] * 1000)}-{'.'.join(['b'] * 1000)}-{'.'.join(['c'] * 1000)}",),
        ("py3-none-" + "a" * 20_000,),
        ("py3-none-any",) * 20_000,
        (f"{'.'.join(['a'] * 90)}-{'.'.join(['b'] * 90)}-any",) * 2,
    ],
)
def test_more_tags_than_any_wheel_has_are_a_finding(tags: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="too many"):
        named_tags(wheel_file(*tags))
