from __future__ import annotations

import pytest

from my_package import mean


def test_mean() -> None:
    assert mean([1.0, 2.0, 6.0]) == 3.0


def test_mean_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        mean([])
