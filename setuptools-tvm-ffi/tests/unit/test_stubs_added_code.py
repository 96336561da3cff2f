# SPDX-License-Identifier: Apache-2.0
"""The code that builds add to modules. docs/typing.md quotes it."""

from __future__ import annotations

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.stubs.added_code import is_added, with_additions, without_additions


@pytest.mark.parametrize("text", ["", "x = 1\n", "x = 1\n\n", "x = 1\r\ny = 2\r\n"])
def test_additions_can_be_removed(text: str) -> None:
    added = with_additions(text, "one()\n\ntwo()\n")
    assert "one()" in added
    assert without_additions(added, "a.py") == text
    assert with_additions(without_additions(added, "a.py"), "one()\n\ntwo()\n") == added
    assert ("\r" in added) is ("\r" in text)
    assert added.count("\n") == added.count("\r\n") or "\r" not in text


def test_code_below_additions_is_kept() -> None:
    added = with_additions("x = 1\n", "one()\n") + "y = 2\n"
    assert without_additions(added, "a.py") == "x = 1\ny = 2\n"


def test_added_lines_are_told_apart() -> None:
    text = with_additions("\x0cx = 1\n", "one()\n") + "y = 2\n"
    added = [is_added(text, number + 1) for number in range(text.count("\n"))]
    # the line before the additions, the blank line, and the line below
    assert (added[:2], added[-1]) == ([False, False], False)
    assert all(added[2:-1])


def test_a_module_without_additions_is_left_as_it_is() -> None:
    assert with_additions("x = 1", "") == without_additions("x = 1", "a.py") == "x = 1"


def test_additions_without_an_end_are_reported_instead_of_removed() -> None:
    broken = with_additions("x = 1\n", "one()\n").rpartition("# setuptools")[0] + "mine = 1\n"
    with pytest.raises(BuildError, match=r"pkg/_ffi_api\.py:3: .*begin"):
        without_additions(broken, "pkg/_ffi_api.py")
