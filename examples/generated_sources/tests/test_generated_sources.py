# SPDX-License-Identifier: Apache-2.0
"""The library contains the rows of the CSV file."""

from __future__ import annotations

import pytest

import generated_sources


@pytest.mark.parametrize(
    ("symbol", "name", "mass"), [("H", "hydrogen", 1.008), ("O", "oxygen", 15.999)]
)
def test_the_table_has_the_rows_of_the_file(symbol: str, name: str, mass: float) -> None:
    assert generated_sources.name(symbol) == name
    assert generated_sources.mass(symbol) == pytest.approx(mass)


def test_an_unknown_symbol_is_refused() -> None:
    with pytest.raises(ValueError, match="no element has the symbol 'Xx'"):
        generated_sources.mass("Xx")
