"""What the library registers under ``my_ffi_extension.stats.``."""

# tvm-ffi-stubgen(begin): import-section
# fmt: off
# isort: off
from __future__ import annotations
from tvm_ffi import Object as _ffi_Object, init_ffi_api as _FFI_INIT_FUNC, register_object as _FFI_REG_OBJ
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
# isort: on
# fmt: on
# tvm-ffi-stubgen(end)
# tvm-ffi-stubgen(begin): global/my_ffi_extension.stats
# fmt: off
_FFI_INIT_FUNC("my_ffi_extension.stats", __name__)
if TYPE_CHECKING:
    def quantile(_0: Sequence[float], _1: float, _2: str | None, /) -> float: ...
    def summary(_0: Sequence[float], /) -> Mapping[str, float]: ...
# fmt: on
# tvm-ffi-stubgen(end)
# tvm-ffi-stubgen(import-object): tvm_ffi.register_object;False;_FFI_REG_OBJ
# tvm-ffi-stubgen(import-object): ffi.Object;False;_ffi_Object
@_FFI_REG_OBJ("my_ffi_extension.stats.Histogram")
class Histogram(_ffi_Object):
    """Counts of values in bins of equal width, and of those below and above all bins."""

    # tvm-ffi-stubgen(begin): object/my_ffi_extension.stats.Histogram
    # fmt: off
    lower: float
    upper: float
    bins: int
    underflow: int
    overflow: int
    if TYPE_CHECKING:
        def __init__(self, lower: float, upper: float, bins: int) -> None: ...
        def __ffi_init__(self, _0: float, _1: float, _2: int, /) -> None: ...
        def push(self, _1: float, /) -> None: ...
        def counts(self, /) -> Sequence[int]: ...
        def edges(self, /) -> Sequence[float]: ...
    # fmt: on
    # tvm-ffi-stubgen(end)


__all__ = [
    # tvm-ffi-stubgen(begin): __all__
    "Histogram",
    "quantile",
    "summary",
    # tvm-ffi-stubgen(end)
]
