# SPDX-License-Identifier: Apache-2.0
"""Random walks, compared with the same walks in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from tvm_ffi import from_dlpack

import package_headers
from package_headers import _kernels

GENERATORS = [np.random.PCG64, np.random.Philox, np.random.SFC64, np.random.MT19937]


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_walk_is_the_same_in_numpy(generator: type[np.random.BitGenerator]) -> None:
    walk = package_headers.random_walk(np.random.Generator(generator(7)), 1000)
    steps = np.where(np.random.Generator(generator(7)).random(1000) < 0.5, -1, 1)
    np.testing.assert_array_equal(walk, np.cumsum(steps))


def test_a_walk_advances_the_generator() -> None:
    rng, other = np.random.default_rng(0), np.random.default_rng(0)
    package_headers.random_walk(rng, 10)
    other.random(10)
    assert rng.random() == other.random()


def test_a_walk_can_have_no_steps() -> None:
    assert package_headers.random_walk(np.random.default_rng(0), 0).shape == (0,)


@pytest.mark.parametrize("positions", [np.zeros(4), np.zeros((2, 2), "i8"), np.zeros(8, "i8")[::2]])
def test_other_memory_is_refused(positions: np.ndarray) -> None:  # type: ignore[type-arg] # any items
    bits = np.random.default_rng(0).bit_generator
    with pytest.raises(ValueError, match="contiguous vector of int64"):
        _kernels.random_walk(bits.ctypes.bit_generator, from_dlpack(positions))
