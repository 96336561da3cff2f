from __future__ import annotations

import pytest

from my_package import Interval


def test_clamp() -> None:
    interval = Interval(0.0, 1.0)
    assert [interval.clamp(x) for x in (-1.0, 0.5, 2.0)] == [0.0, 0.5, 1.0]
    assert (interval.lower, interval.upper) == (0.0, 1.0)


def test_the_bounds_are_in_order() -> None:
    with pytest.raises(ValueError, match="expected lower <= upper, got 1 and 0"):
        Interval(1.0, 0.0)
