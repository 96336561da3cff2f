"""The library, and what it registers under ``my_ffi_extension.``."""

# tvm-ffi-stubgen(begin): import-section
# fmt: off
# isort: off
from __future__ import annotations
from tvm_ffi import Object as _ffi_Object, init_ffi_api as _FFI_INIT_FUNC, register_object as _FFI_REG_OBJ
from tvm_ffi.libinfo import load_lib_module as _FFI_LOAD_LIB
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from tvm_ffi import Tensor
    from typing import Callable
# isort: on
# fmt: on
# tvm-ffi-stubgen(end)
# tvm-ffi-stubgen(import-object): tvm_ffi.libinfo.load_lib_module;False;_FFI_LOAD_LIB
LIB = _FFI_LOAD_LIB("my-ffi-extension", "my_ffi_extension")
# tvm-ffi-stubgen(begin): global/my_ffi_extension
# fmt: off
_FFI_INIT_FUNC("my_ffi_extension", __name__)
if TYPE_CHECKING:
    def find_prefix(_0: Sequence[str], _1: str, /) -> str | None: ...
    def format_duration(_0: int, /) -> str: ...
    def hex_decode(_0: str, /) -> bytes: ...
    def hex_encode(_0: bytes, /) -> str: ...
    def integrate(_0: Callable[[float], float], _1: float, _2: float, _3: int, /) -> float: ...
    def join(_0: Sequence[str], _1: str | None, /) -> str: ...
    def linspace(_0: float, _1: float, _2: int, /) -> Tensor: ...
    def most_common(_0: Mapping[str, int], _1: int | None, /) -> Sequence[tuple[str, int]]: ...
    def parse_duration(_0: str, /) -> int: ...
    def tally(_0: Sequence[str], /) -> Mapping[str, int]: ...
    def to_list(_0: Tensor, /) -> Sequence[float]: ...
# fmt: on
# tvm-ffi-stubgen(end)
# tvm-ffi-stubgen(import-object): tvm_ffi.register_object;False;_FFI_REG_OBJ
# tvm-ffi-stubgen(import-object): ffi.Object;False;_ffi_Object
@_FFI_REG_OBJ("my_ffi_extension.Accumulator")
class Accumulator(_ffi_Object):
    """Streaming mean and variance in constant space; refuses numbers that are not finite."""

    # tvm-ffi-stubgen(begin): object/my_ffi_extension.Accumulator
    # fmt: off
    count: int
    mean: float
    label: str
    if TYPE_CHECKING:
        def __init__(self, label: str) -> None: ...
        def __ffi_init__(self, _0: str, /) -> None: ...
        def push(self, _1: float, /) -> None: ...
        def extend(self, _1: Sequence[float], /) -> None: ...
        def merge(self, _1: Accumulator, /) -> None: ...
        def variance(self, _1: int, /) -> float: ...
        @staticmethod
        def from_values(_0: str, _1: Sequence[float], /) -> Accumulator: ...
    # fmt: on
    # tvm-ffi-stubgen(end)

# tvm-ffi-stubgen(import-object): ffi.Object;False;_ffi_Object
@_FFI_REG_OBJ("my_ffi_extension.Series")
class Series(_ffi_Object):
    """Values in the order they came, with an accumulator that has seen all of them."""

    # tvm-ffi-stubgen(begin): object/my_ffi_extension.Series
    # fmt: off
    name: str
    accumulator: Accumulator
    if TYPE_CHECKING:
        def __init__(self, name: str, accumulator: Accumulator) -> None: ...
        def __ffi_init__(self, _0: str, _1: Accumulator, /) -> None: ...
        def append(self, _1: float, /) -> None: ...
        def size(self, /) -> int: ...
        def last(self, /) -> float | None: ...
        def tail(self, _1: int, /) -> Sequence[float]: ...
    # fmt: on
    # tvm-ffi-stubgen(end)

@_FFI_REG_OBJ("my_ffi_extension.WeightedAccumulator")
class WeightedAccumulator(Accumulator):
    """An accumulator whose values may have weights."""

    # tvm-ffi-stubgen(begin): object/my_ffi_extension.WeightedAccumulator
    # fmt: off
    total_weight: float
    if TYPE_CHECKING:
        def __init__(self, label: str) -> None: ...
        def __ffi_init__(self, _0: str, /) -> None: ...
        def push_weighted(self, _1: float, _2: float, /) -> None: ...
        def effective_count(self, /) -> float: ...
    # fmt: on
    # tvm-ffi-stubgen(end)


__all__ = [
    # tvm-ffi-stubgen(begin): __all__
    "LIB",
    "Accumulator",
    "Series",
    "WeightedAccumulator",
    "find_prefix",
    "format_duration",
    "hex_decode",
    "hex_encode",
    "integrate",
    "join",
    "linspace",
    "most_common",
    "parse_duration",
    "tally",
    "to_list",
    # tvm-ffi-stubgen(end)
]
