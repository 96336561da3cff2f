# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from setuptools.errors import BaseError
from setuptools_tvm_ffi.base.errors import BuildError, ConfigurationError, render


def test_an_error_without_a_hint_is_one_line() -> None:
    assert render(BuildError("no C++ compiler")) == "setuptools-tvm-ffi: error: no C++ compiler"


def test_every_line_of_message_and_hint_has_a_prefix() -> None:
    error = BuildError("linking failed:\n  undefined f", hint="add the source\nor the library")
    assert render(error).splitlines() == [
        "setuptools-tvm-ffi: error: linking failed:",
        "setuptools-tvm-ffi: error:   undefined f",
        "setuptools-tvm-ffi: hint: add the source",
        "setuptools-tvm-ffi: hint: or the library",
    ]


def test_a_configuration_error_is_rendered_like_other_errors() -> None:
    error = ConfigurationError("sources is empty", hint="name a file")
    assert render(error).splitlines() == [
        "setuptools-tvm-ffi: error: sources is empty",
        "setuptools-tvm-ffi: hint: name a file",
    ]


def test_a_plain_setuptools_build_shows_message_and_hint() -> None:
    assert str(BuildError("no ninja", hint="install it")) == "no ninja\ninstall it"


@pytest.mark.parametrize("kind", [BuildError, ConfigurationError])
def test_errors_derive_from_setuptools_errors(kind: type[BuildError]) -> None:
    assert issubclass(kind, BaseError)
