# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest
import setuptools_tvm_ffi

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(setuptools_tvm_ffi.__path__, "setuptools_tvm_ffi.")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    tested = (doctest.testmod(importlib.import_module(name)).attempted for name in MODULES)
    assert sum(tested) >= 8
