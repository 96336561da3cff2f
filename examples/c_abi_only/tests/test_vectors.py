# SPDX-License-Identifier: Apache-2.0
"""What the two functions promise, and that nothing of C++ is linked."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import c_abi_only


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.arange(5.0), np.arange(5.0)),
        (np.arange(10.0)[::2], np.arange(5.0)[::-1]),
        (np.zeros(0), np.zeros(0)),
    ],
)
def test_dot_agrees_with_numpy(x: Any, y: Any) -> None:
    assert c_abi_only.dot(x, y) == np.dot(x, y)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((), TypeError, "dot: expected 2 arguments, got 0"),
        ((1, np.zeros(1)), TypeError, "dot: argument 'x': expected a tensor"),
        ((np.zeros(1), None), TypeError, "dot: argument 'y': expected a tensor"),
        ((np.zeros(1, "f4"),) * 2, TypeError, "dot: argument 'x': expected float64 elements"),
        ((np.zeros((1, 1)),) * 2, ValueError, "dot: argument 'x': expected 1 axis, got 2"),
        (
            (np.zeros(2), np.zeros(3)),
            ValueError,
            "dot: expected as many elements in 'y' as in 'x', got 3 and 2",
        ),
        (
            (np.zeros(9, "u1")[1:].view("f8"), np.zeros(1)),
            ValueError,
            "dot: argument 'x': expected data aligned to 8 bytes",
        ),
    ],
)
def test_dot_rejects_invalid_arguments(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        c_abi_only.dot(*arguments)


def test_describe_takes_any_tensor() -> None:
    assert c_abi_only.describe(np.zeros((2, 3), "f4")) == "2 axes, 6 elements of 32 bits"
    with pytest.raises(TypeError, match=r"^describe: argument 'x': expected a tensor$"):
        c_abi_only.describe("text")


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("readelf") is None, reason="readelf reads ELF"
)
def test_the_library_needs_no_cxx_runtime() -> None:
    files = importlib.metadata.files("c-abi-only") or []
    (library,) = (file.locate() for file in files if file.name == "libvectors.so")
    printed = subprocess.run(
        ["readelf", "--wide", "--dynamic", str(library)], check=True, capture_output=True, text=True
    ).stdout
    needed = set(re.findall(r"\(NEEDED\)\s+Shared library: \[(.+)\]", printed))
    assert "libtvm_ffi.so" in needed
    assert not {name for name in needed if "++" in name or "gcc_s" in name}
