# SPDX-License-Identifier: Apache-2.0
"""An unchanged library is checked once, and each build repeats its warnings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from setuptools_tvm_ffi.building.libraries import _check
from setuptools_tvm_ffi.cross import zig_host

LOUD, QUIET = "build/loud/libloud.so", "build/quiet/libquiet.so"


def library(path: str, content: bytes) -> Any:
    plan = SimpleNamespace(library=path)
    return SimpleNamespace(plan=plan, content=content, sha256=content.hex())


def test_a_warning_is_repeated_if_nothing_was_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[set[str]] = []

    def check_libraries(contents: Mapping[str, bytes], target: object) -> dict[str, str]:
        del target
        asked.append(set(contents))
        return {path: f"{path} exports" for path in contents if path == LOUD}

    monkeypatch.setattr(zig_host, "check_libraries", check_libraries)
    target: Any = object()
    request: Any = SimpleNamespace(root=tmp_path, host=zig_host.ZigHost(target))
    toolchain: Any = None
    for folder in ("loud", "quiet"):
        (tmp_path / "build" / folder).mkdir(parents=True)

    def warnings(content: bytes) -> list[str]:
        caplog.clear()
        _check([library(LOUD, b"same"), library(QUIET, content)], request, toolchain)
        return [record.getMessage() for record in caplog.records]

    said = [f"setuptools-tvm-ffi: warning: {LOUD} exports"]
    assert warnings(b"one") == said
    assert warnings(b"one") == said
    assert asked == [{LOUD, QUIET}]
    # If one library is relinked, all are checked again: one library may need another in the wheel.
    assert warnings(b"two") == said
    assert asked == [{LOUD, QUIET}] * 2


@pytest.mark.parametrize("content", ["[]", "1", "null", '"sha256"', "{", "[" * 100_000])
def test_a_library_with_a_corrupt_stamp_is_checked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    asked: list[set[str]] = []

    def check_libraries(contents: Mapping[str, bytes], target: object) -> dict[str, str]:
        del target
        asked.append(set(contents))
        return {}

    monkeypatch.setattr(zig_host, "check_libraries", check_libraries)
    target: Any = object()
    request: Any = SimpleNamespace(root=tmp_path, host=zig_host.ZigHost(target))
    toolchain: Any = None
    stamp = (tmp_path / QUIET).with_name("checked.json")
    stamp.parent.mkdir(parents=True)
    stamp.write_text(content)
    for _ in range(2):
        _check([library(QUIET, b"one")], request, toolchain)
    assert asked == [{QUIET}]
