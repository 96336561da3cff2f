# SPDX-License-Identifier: Apache-2.0
"""Both packages with the same tensors: results and errors are the same."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
before = pytest.importorskip("rms_norm_before")
after = pytest.importorskip("rms_norm_after")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", [(8,), (4, 8), (2, 3, 8), (0, 8), (3, 0)], ids=str)
def test_results_are_equal(shape: tuple[int, ...], dtype: Any) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(*shape, generator=generator, dtype=dtype)
    weight = torch.randn(shape[-1], generator=generator, dtype=dtype)
    result = after.rms_norm(x, weight, 1e-5)
    assert type(result) is torch.Tensor
    assert result.dtype is dtype
    assert torch.equal(result, before.rms_norm(x, weight, 1e-5))
    after.rms_norm_out(x, weight, 1e-5, x)
    assert torch.equal(result, x)


@pytest.mark.parametrize(
    ("x", "weight"),
    [
        (torch.zeros(3, 2).T, torch.zeros(3)),
        (torch.zeros(2, 3), torch.zeros(3, dtype=torch.float64)),
        (torch.zeros(2, 3, dtype=torch.int64), torch.zeros(3)),
        (torch.zeros(2, 3), torch.zeros(2)),
        (torch.tensor(1.0), torch.zeros(1)),
    ],
)
def test_errors_are_of_the_same_type_and_for_the_same_reason(x: Any, weight: Any) -> None:
    messages = []
    for package in (before, after):
        with pytest.raises((TypeError, ValueError)) as caught:
            package.rms_norm(x, weight, 1e-5)
        reason = str(caught.value).partition("\n")[0].partition(", got")[0]
        messages.append((caught.type, reason))
    assert messages[0] == messages[1]
    assert messages[0][1].startswith("rms_norm: argument '")


def test_neither_records_gradients() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    for package in (before, after):
        assert not package.rms_norm(x, torch.ones(3), 1e-5).requires_grad
