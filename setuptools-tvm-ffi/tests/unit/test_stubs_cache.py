# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.stubs.cache import Stubs, load, store
from setuptools_tvm_ffi.stubs.requests import StubRequest

REQUEST = StubRequest(
    settings=ExtensionSettings(name="pkg.ops", sources=("a.cc",)),
    distribution="pkg",
    library=Path("build/libops.so"),
    library_digest="00",
    tvm_ffi_version="0.1.15",
    files={},
)
STUBS = Stubs({PurePosixPath("_ffi_api.py"): b"stub", PurePosixPath("old.py"): None}, ("careful",))
RECORDER = "recorder-00.so"


def test_stubs_of_the_same_request_are_found(tmp_path: Path) -> None:
    store(tmp_path / "stubs.json", REQUEST, STUBS, RECORDER)
    assert load(tmp_path / "stubs.json", REQUEST, RECORDER) == STUBS


@pytest.mark.parametrize(
    "content",
    ["[]", "1", "null", '"keys"', "{", "[" * 100_000, '{"keys": []}'],
    ids=lambda content: content[:9],
)
def test_a_corrupt_cache_has_no_stubs(tmp_path: Path, content: str) -> None:
    (tmp_path / "stubs.json").write_text(content)
    assert load(tmp_path / "stubs.json", REQUEST, RECORDER) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"library_digest": "01"},
        {"tvm_ffi_version": "0.1.16"},
        {"files": {PurePosixPath("pkg/__init__.py"): b""}},
        {"modules": frozenset({PurePosixPath("pkg/__init__.py")})},
        {"settings": ExtensionSettings(name="pkg.ops", sources=("a.cc",), stubs="directives")},
        {"strict": True},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_stubs_of_another_request_are_not_used(tmp_path: Path, changes: dict[str, Any]) -> None:
    store(tmp_path / "stubs.json", REQUEST, STUBS, RECORDER)
    assert load(tmp_path / "stubs.json", dataclasses.replace(REQUEST, **changes), RECORDER) is None


def test_stubs_without_the_docstrings_of_another_recorder_are_not_used(tmp_path: Path) -> None:
    store(tmp_path / "stubs.json", REQUEST, STUBS, "")
    assert load(tmp_path / "stubs.json", REQUEST, "") == STUBS
    assert load(tmp_path / "stubs.json", REQUEST, RECORDER) is None


def test_the_cache_is_valid_after_the_stubs_were_written_to_the_source_tree(tmp_path: Path) -> None:
    request = dataclasses.replace(REQUEST, files={PurePosixPath("old.py"): b""})
    store(tmp_path / "stubs.json", request, STUBS, RECORDER)
    path = PurePosixPath("_ffi_api.py")
    written = dataclasses.replace(request, files={path: b"stub"}, modules=frozenset({path}))
    assert load(tmp_path / "stubs.json", written, RECORDER) == STUBS
