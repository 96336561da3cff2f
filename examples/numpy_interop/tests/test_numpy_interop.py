# SPDX-License-Identifier: Apache-2.0
"""Arrays of every layout, compared with NumPy's own functions."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import numpy_interop


def numbers(*shape: int, dtype: str = "float64") -> NDArray[Any]:
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


LAYOUTS = {
    "contiguous": numbers(4, 6),
    "float32": numbers(4, 6, dtype="float32"),
    "Fortran order": np.asfortranarray(numbers(4, 6)),
    "every other column": numbers(4, 12)[:, ::2],
    "backwards": numbers(4, 6)[::-1, ::-1],
    "transposed": numbers(2, 3, 4).transpose(2, 0, 1),
    "broadcast": np.broadcast_to(numbers(6), (4, 6)),
    "read-only": read_only(numbers(4, 6)),
    "one element": numbers(1, 1),
    "no axis": np.array(0.75),
    "no element": numbers(3, 0, 2),
}


@pytest.mark.parametrize("x", LAYOUTS.values(), ids=LAYOUTS)
def test_clip_agrees_with_numpy(x: NDArray[Any]) -> None:
    clipped = numpy_interop.clip(x, -0.5, 0.5)
    assert clipped.dtype == x.dtype
    np.testing.assert_array_equal(clipped, np.clip(x, -0.5, 0.5))


@pytest.mark.parametrize("x", LAYOUTS.values(), ids=LAYOUTS)
def test_histogram_agrees_with_numpy(x: NDArray[Any]) -> None:
    counts = numpy_interop.histogram(x, -1.0, 1.0, 8)
    expected, _ = np.histogram(x, bins=8, range=(-1.0, 1.0))
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, expected)


def test_clip_writes_into_the_memory_of_an_array_that_is_not_contiguous() -> None:
    table = np.zeros((3, 4))
    column = table[:, 1]
    assert numpy_interop.clip(np.array([-2.0, 0.5, 2.0]), -1.0, 1.0, out=column) is column
    assert table.tolist() == [[0, -1, 0, 0], [0, 0.5, 0, 0], [0, 1, 0, 0]]


def test_clip_works_in_place() -> None:
    x = numbers(100)
    expected = np.clip(x, -0.5, 0.5)
    assert numpy_interop.clip(x, -0.5, 0.5, out=x) is x
    np.testing.assert_array_equal(x, expected)


def test_clip_works_on_arrays_that_overlap() -> None:
    memory = np.arange(10.0)
    numpy_interop.clip(memory[:-1], 2.0, 6.0, out=memory[1:])
    assert memory.tolist() == [0, 2, 2, 2, 3, 4, 5, 6, 6, 6]


def test_clip_keeps_nan() -> None:
    clipped = numpy_interop.clip(np.array([np.nan, np.inf, -np.inf]), 0.0, 1.0)
    np.testing.assert_array_equal(clipped, [np.nan, 1.0, 0.0])


def test_a_histogram_keeps_its_memory_alive() -> None:
    views = [numpy_interop.histogram(np.full(n, 0.5), 0.0, 1.0, 1000) for n in range(50)]
    assert [int(view[500]) for view in views] == list(range(50))


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0",
    reason="NumPy before 2.1 cannot share such arrays",
)
def test_no_input_is_copied() -> None:
    x = numbers(1 << 18)[::-2]
    x.flags.writeable = False
    tracemalloc.start()
    numpy_interop.histogram(x, 0.0, 1.0, 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < x.nbytes / 10


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.arange(3), "clip: argument 'x': expected dtype float32 or float64, got int64"),
        (np.zeros(3, "f2"), "clip: argument 'x': expected dtype float32 or float64, got float16"),
        (np.zeros(3, "?"), "clip: argument 'x': expected dtype float32 or float64, got bool"),
        (np.zeros(3, "c16"), "clip: argument 'x': expected dtype float32 or float64, got complex"),
        (np.zeros(3, ">f8"), "clip: argument 'x': dtype >f8 cannot be shared: "),
        (np.array(["a"]), "clip: argument 'x': dtype <U1 cannot be shared: "),
        (read_only(np.array(["a"])), "clip: argument 'x': dtype <U1 cannot be shared: "),
        ([1.0, 2.0], "clip: argument 'x': expected a NumPy array, got list"),
    ],
    ids=str,
)
def test_an_array_of_another_type_is_a_type_error(x: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}"):
        numpy_interop.clip(x, 0.0, 1.0)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.zeros(4), ValueError, "expected shape (3,), got (4,)"),
        (np.zeros((3, 1)), ValueError, "expected shape (3,), got (3, 1)"),
        (np.zeros(3, "f4"), TypeError, "expected dtype float64 as in 'x', got float32"),
        (read_only(np.zeros(3)), ValueError, "the array is read-only"),
        (
            np.lib.stride_tricks.as_strided(np.zeros(1), (3,), (0,)),
            ValueError,
            "several elements share their memory along axis 0",
        ),
        (
            np.zeros(25, "u1")[1:].view("f8"),
            ValueError,
            "expected elements aligned to 8 bytes",
        ),
        ([0.0, 0.0, 0.0], TypeError, "expected a NumPy array, got list"),
    ],
)
def test_an_output_that_does_not_fit_is_refused(
    out: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match="^" + re.escape(f"clip: argument 'out': {message}")):
        numpy_interop.clip(np.zeros(3), 0.0, 1.0, out=out)


def test_an_empty_interval_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^clip: expected lower <= upper, got 1 and 0$"):
        numpy_interop.clip(np.zeros(3), 1.0, 0.0)
    with pytest.raises(ValueError, match=r"^histogram: expected lower < upper, both finite, got "):
        numpy_interop.histogram(np.zeros(3), 0.0, 0.0, 4)
    with pytest.raises(ValueError, match=r"^histogram: argument 'bins': expected 1 <= bins <= "):
        numpy_interop.histogram(np.zeros(3), 0.0, 1.0, 0)
