from __future__ import annotations

import pytest

from my_package import scale


def test_the_library_can_be_loaded_without_a_gpu() -> None:
    assert callable(scale)


def test_scale() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    x = torch.rand(1000, device="cuda")
    out = torch.empty_like(x)
    scale(x, 2.0, out)
    torch.testing.assert_close(out, 2.0 * x)
