# SPDX-License-Identifier: Apache-2.0
"""Random walks in C++, with the random numbers of a NumPy generator.

The build generates the package ``_kernels``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from tvm_ffi import from_dlpack

from . import _kernels

__all__ = ["random_walk"]


def random_walk(rng: np.random.Generator, steps: int) -> NDArray[np.int64]:
    """Return the positions of a random walk after each step of -1 or 1.

    :param rng: the generator. Each step draws one number, like ``rng.random()``.
    :param steps: the number of steps.
    """
    positions = np.empty(steps, np.int64)
    bits = rng.bit_generator
    with bits.lock:
        _kernels.random_walk(bits.ctypes.bit_generator, from_dlpack(positions))
    return positions
