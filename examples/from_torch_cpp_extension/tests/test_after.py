# SPDX-License-Identifier: Apache-2.0
"""The new package with NumPy's arrays: PyTorch is not needed."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import rms_norm_after
from numpy.typing import NDArray


def expected(x: NDArray[Any], weight: NDArray[Any], eps: float) -> NDArray[Any]:
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * weight


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-14)], ids=["float32", "float64"]
)
@pytest.mark.parametrize("shape", [(8,), (4, 8), (2, 3, 8), (0, 8)], ids=str)
def test_rows_are_normalised(shape: tuple[int, ...], dtype: str, tolerance: float) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=shape).astype(dtype)
    weight = generator.normal(size=shape[-1]).astype(dtype)
    out = np.empty_like(x)
    rms_norm_after.rms_norm_out(x, weight, 1e-5, out)
    np.testing.assert_allclose(out, expected(x, weight, 1e-5), rtol=tolerance, atol=tolerance)
    rms_norm_after.rms_norm_out(x, weight, 1e-5, x)
    np.testing.assert_array_equal(x, out)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("f8 2,3", "f4 3", "f8 2,3"), TypeError, "'weight': expected the dtype of 'x'"),
        (("f8 2,3", "f8 3", "f4 2,3"), TypeError, "'out': expected the dtype of 'x'"),
        (("i8 2,3", "i8 3", "i8 2,3"), TypeError, "'x': expected dtype float32 or float64, got "),
        (("f8 2,3", "f8 2", "f8 2,3"), ValueError, "'weight': expected 1 axis of 3 elements"),
        (("f8 2,3", "f8 3,1", "f8 2,3"), ValueError, "'weight': expected 1 axis of 3 elements"),
        (("f8 2,3", "f8 3", "f8 3,2"), ValueError, "'out': expected the shape of 'x'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    arguments: tuple[str, ...], error: type[Exception], message: str
) -> None:
    x, weight, out = (
        np.zeros([int(extent) for extent in shape.split(",")], dtype)
        for dtype, _, shape in (argument.partition(" ") for argument in arguments)
    )
    with pytest.raises(error, match="^" + re.escape(f"rms_norm: argument {message}")):
        rms_norm_after.rms_norm_out(x, weight, 1e-5, out)


def test_a_tensor_that_is_not_contiguous_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^rms_norm: argument 'x': expected a contiguous tensor$"):
        rms_norm_after.rms_norm_out(np.zeros((3, 2)).T, np.zeros(3), 1e-5, np.zeros((2, 3)))


def test_a_framework_without_an_allocator_is_sent_to_the_other_function() -> None:
    with pytest.raises(TypeError, match=r"rms_norm_out takes a tensor to write to$"):
        rms_norm_after.rms_norm(np.zeros((2, 3)), np.zeros(3), 1e-5)
