# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import PurePosixPath

from setuptools_tvm_ffi.stubs.places import find_places

SOURCE = b"""\
import os
import a.b as c
# tvm-ffi-stubgen(begin): global/pkg.sub
_FFI_INIT_FUNC("pkg.sub", __name__)
if TYPE_CHECKING:
    def f(_0: int, /) -> int: ...
# tvm-ffi-stubgen(end)
@_FFI_REG_OBJ("pkg.Box")
class Own(_ffi_Object):
    # tvm-ffi-stubgen(begin): object/pkg.Box
    size: int
    # tvm-ffi-stubgen(end)
    def grow(self): local = 1
def g(): local = 1
x, (y, *z) = 1, (2, 3)
t: int = 4
try:
    from os import path
except ImportError:
    def path(): ...
"""


def test_blocks_and_handwritten_names_are_found() -> None:
    ops = PurePosixPath("pkg/ops.py")
    broken, stub = PurePosixPath("pkg/broken.py"), PurePosixPath("pkg/ops.pyi")
    places = find_places({ops: SOURCE, broken: b"def (", stub: b"def f(): ..."})
    own = {"os", "c", "Own", "Own.grow", "g", "x", "y", "z", "t", "path"}
    assert places.handwritten == {ops: own}
    assert places.of_class("pkg.Box") == (ops, "Own")
    assert places.of_functions("pkg.sub.") == ops


def test_without_blocks_the_generated_modules_are_the_places() -> None:
    places = find_places({})
    assert places.of_functions("pkg.sub.") == PurePosixPath("pkg/sub/_ffi_api.py")
    assert places.of_class("pkg.sub.Box") == (PurePosixPath("pkg/sub/_ffi_api.py"), "Box")
    assert not places.is_handwritten(PurePosixPath("pkg/_ffi_api.py"), "f")
