# SPDX-License-Identifier: Apache-2.0
"""What the two functions promise."""

from __future__ import annotations

import pytest

import pyproject_only


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("Straße", "Strasse", 2),
        ("naïve", "naive", 1),
    ],
)
def test_edit_distance_counts_characters(left: str, right: str, distance: int) -> None:
    assert pyproject_only.edit_distance(left, right) == distance


def test_closest_takes_the_first_of_several() -> None:
    assert pyproject_only.closest("cat", ["dog", "car", "bat"], 1) == "car"


def test_closest_is_none_if_every_word_is_too_far() -> None:
    assert pyproject_only.closest("cat", ["elephant"], 2) is None
    assert pyproject_only.closest("cat", [], 2) is None


def test_closest_refuses_a_negative_distance() -> None:
    with pytest.raises(ValueError, match=r"argument 'max_distance': expected 0 or more, got -1$"):
        pyproject_only.closest("cat", ["car"], -1)


def test_the_package_exposes_its_library() -> None:
    assert "LIB" in pyproject_only.__all__
