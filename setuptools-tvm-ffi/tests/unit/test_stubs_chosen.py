# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.stubs.chosen import Chosen, without_missing_methods
from setuptools_tvm_ffi.stubs.registry import Registry
from setuptools_tvm_ffi.stubs.requests import StubRequest

MISSING = {"pkg.A": {"register": "abc.ABCMeta"}, "pkg.Hidden": {"mro": "type"}}


def request(*, strict: bool) -> StubRequest:
    settings = ExtensionSettings(name="pkg.one", sources=("a.cc",))
    library = Path("build/libone.so")
    return StubRequest(settings, "pkg", library, "0", "0.1.15", {}, strict=strict)


def chosen() -> Chosen:
    registry = Registry({}, {}, {}, {}, {}, frozenset(), makes_constructors=True)
    return Chosen(registry, {}, frozenset({("type", "pkg.Hidden")}), (), (), ("first",))


def test_missing_methods_are_left_out_with_one_warning_each() -> None:
    found = without_missing_methods(request(strict=False), chosen(), MISSING)
    assert found.left_out == {("type", "pkg.Hidden"), ("method", "pkg.A.register")}
    first, warning = found.warnings
    assert first == "first"
    for word in ("'pkg.A.register'", "abc.ABCMeta", "A.__tvm_ffi_type_info__", "== 'register'"):
        assert word in warning


def test_strict_stubs_reject_missing_methods() -> None:
    with pytest.raises(BuildError, match=r"'pkg\.A\.register'"):
        without_missing_methods(request(strict=True), chosen(), MISSING)
