# SPDX-License-Identifier: Apache-2.0
"""Functions over NumPy arrays, computed in C++ on the arrays' own memory.

The package ``_kernels`` is made by the build; here is what makes its functions feel like NumPy's.
"""

from __future__ import annotations

from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from tvm_ffi import Tensor, from_dlpack

from . import _kernels

__all__ = ["clip", "histogram"]

_HAS_DLPACK_1 = np.lib.NumpyVersion(np.__version__) >= "2.1.0"

_Float = TypeVar("_Float", np.float32, np.float64)


def clip(
    x: NDArray[_Float], lower: float, upper: float, *, out: NDArray[_Float] | None = None
) -> NDArray[_Float]:
    """Limit the elements of an array to an interval.

    :param x: float32 or float64 of any shape and strides; may be read-only.
    :param lower: what smaller elements become.
    :param upper: what larger elements become.
    :param out: where to write, of the dtype and shape of `x`, and `x` itself for working in place;
        a new array by default.
    :returns: `out`. NaN stays NaN.
    """
    source = _share(x, "clip: argument 'x'")
    if out is None:
        out = np.empty_like(x)
    target = _share(out, "clip: argument 'out'", to_write=True)
    if np.may_share_memory(x, out) and not _same_elements(x, out):
        # The rule of NumPy's own functions: the result is as if there were no overlap.
        source = _share(x.copy(), "clip: argument 'x'")
    _kernels.clip(source, lower, upper, target)
    return out


def histogram(x: NDArray[_Float], lower: float, upper: float, bins: int) -> NDArray[np.int64]:
    """Count elements in bins of equal width, without a copy of what C++ has counted.

    :param x: float32 or float64 of any shape and strides; may be read-only.
    :param lower: where the first bin begins.
    :param upper: where the last bin ends; this value is part of it.
    :param bins: how many bins.
    :returns: one count for each bin. Elements outside of all bins, and NaN, are not counted.
    """
    source = _share(x, "histogram: argument 'x'")
    # The array keeps the tensor alive, whose memory it views.
    counts = np.from_dlpack(_kernels.histogram(source, lower, upper, bins))
    return cast("NDArray[np.int64]", counts)


def _share(array: NDArray[_Float], where: str, *, to_write: bool = False) -> Tensor:
    """Return a tensor over the array's memory."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{where}: expected a NumPy array, got {type(array).__name__}")
    if to_write and not array.flags.writeable:
        raise ValueError(f"{where}: the array is read-only")
    try:
        if array.flags.writeable:
            return from_dlpack(array)
        # Only a capsule of DLPack 1.0 may say that its memory is read-only.
        if _HAS_DLPACK_1:
            return from_dlpack(array.__dlpack__(max_version=(1, 0)))
        return from_dlpack(array.copy())
    except BufferError as problem:  # byte order, text, objects, fields of records
        raise TypeError(f"{where}: dtype {array.dtype} cannot be shared: {problem}") from None


def _same_elements(one: NDArray[_Float], other: NDArray[_Float]) -> bool:
    """Whether element by element both are the same memory."""
    return one.ctypes.data == other.ctypes.data and one.strides == other.strides
