# SPDX-License-Identifier: Apache-2.0
"""The launcher checks its arguments, and the embedded kernel computes."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

import embedded_cubin


def find_driver() -> Any:
    """Return libcuda, ready to use, or None if there is no GPU."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return None
    return driver if count.value else None


DRIVER = find_driver()


@pytest.mark.parametrize(
    ("dtype", "shape", "error", "message"),
    [
        ("f8", (4,), TypeError, "'x': expected dtype float32"),
        ("f4", (2, 2), ValueError, "'x': expected a contiguous vector"),
        ("f4", (4,), ValueError, "'x': expected a tensor on a CUDA device"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    dtype: str, shape: tuple[int, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        embedded_cubin.scale(2.0, np.zeros(shape, dtype), np.zeros(4, "f4"))


@pytest.mark.skipif(DRIVER is None, reason="libcuda finds no GPU")
@pytest.mark.parametrize("size", [0, 1, 257, 1_000_003])
def test_the_embedded_kernel_computes(size: int) -> None:
    torch = pytest.importorskip("torch")
    x = torch.rand(size, device="cuda")
    y = torch.empty_like(x)
    embedded_cubin.scale(2.5, x, y)
    assert torch.equal(y, 2.5 * x)
