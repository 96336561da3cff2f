"""Functions in C for Python."""

from __future__ import annotations

from collections.abc import Sequence

from ._ffi_api import LIB


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean.

    Parameters
    ----------
    values : Sequence[float]
        At least one number.

    Raises
    ------
    ValueError
        If there are no values.
    """
    result: float = LIB.mean(*values)
    return result
