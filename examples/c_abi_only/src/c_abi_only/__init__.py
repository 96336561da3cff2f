# SPDX-License-Identifier: Apache-2.0
"""Functions over vectors, in plain C."""

from typing import Any, Callable, cast

from tvm_ffi.libinfo import load_lib_module

__all__ = ["LIB", "describe", "dot"]

LIB = load_lib_module("c-abi-only", "vectors")

# Anything that supports DLPack is a tensor: arrays of NumPy, tensors of PyTorch and of TVM-FFI.
dot = cast("Callable[[Any, Any], float]", LIB.dot)
describe = cast("Callable[[Any], str]", LIB.describe)
