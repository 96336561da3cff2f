# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io

import pytest
from setuptools_tvm_ffi.base.colour import has_colours, painted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "variables", "coloured"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": ""}, False),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (True, {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_colours_are_for_terminals_unless_a_variable_decides(
    terminal: object, variables: dict[str, str], coloured: object
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert has_colours(stream, variables) is coloured


def test_a_text_without_colours_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert painted("a", "red", Terminal()) == "a"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert painted("a", "red", io.StringIO()) == "\x1b[31ma\x1b[0m"
