# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.scaffold.project_names import Names, names_of


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("fast", Names("fast", "fast")),
        ("my-package", Names("my-package", "my_package")),
        ("My_Package", Names("my-package", "my_package")),
        ("a.b--c_1", Names("a-b-c-1", "a_b_c_1")),
        ("None-such", Names("none-such", "none_such")),
        ("log", Names("log", "log")),
    ],
)
def test_names_follow_from_the_name_on_pypi(name: str, names: Names) -> None:
    assert names_of(name) == names


@pytest.mark.parametrize(
    ("name", "reason", "suggestion"),
    [
        ("my package", "on PyPI", "my-package"),
        ("-package-", "on PyPI", "package"),
        ("../package!", "on PyPI", "package"),
        ("dépôt", "on PyPI", "depot"),
        ("", "on PyPI", "my-package"),
        ("名", "on PyPI", "my-package"),
        ("package\n", "on PyPI", "package"),
        ("3d", "starts with a digit", "my-3d"),
        ("class", "keyword of Python", "my-class"),
        ("Template", "keyword of C++", "my-template"),
        ("int", "keyword of C++", "my-int"),
        ("static-assert", "keyword of C++", "my-static-assert"),
        ("json", "standard library", "my-json"),
        ("tvm-ffi", "users import", "my-tvm-ffi"),
        ("setuptools.tvm.ffi", "users import", "my-setuptools-tvm-ffi"),
        ("std", "namespace", "my-std"),
        *((name, "users import", f"my-{name}") for name in ("build", "pip", "packaging", "wheel")),
        *((name, "users import", f"my-{name}") for name in ("ninja", "tomli", "numpy", "torch")),
        ("mypy", "users import", "my-mypy"),
        ("tests", "a folder in many projects", "my-tests"),
        ("AUX", "Windows", "my-aux"),
        ("com1", "Windows", "my-com1"),
        ("int!", "on PyPI", "my-int"),
    ],
)
def test_an_invalid_name_has_a_reason_and_a_valid_suggestion(
    name: str, reason: str, suggestion: str
) -> None:
    with pytest.raises(BuildError, match=re.escape(repr(name))) as caught:
        names_of(name)
    assert reason in caught.value.message
    assert caught.value.hint is not None
    assert repr(suggestion) in caught.value.hint
    assert names_of(suggestion).distribution == suggestion
