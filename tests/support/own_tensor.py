# SPDX-License-Identifier: Apache-2.0
"""A class of tensors with ``__dlpack_c_exchange_api__``, which stands in for PyTorch's."""

from __future__ import annotations

import ctypes
from typing import Any

import tvm_ffi

# A capsule refers to its name, so these objects must live as long as the capsules.
_NAME, _USED, _API_NAME = b"dltensor_versioned", b"used_dltensor_versioned", b"dlpack_exchange_api"
_new = ctypes.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
_rename = ctypes.pythonapi.PyCapsule_SetName
_rename.argtypes = (ctypes.py_object, ctypes.c_char_p)
_keep = ctypes.pythonapi.Py_IncRef
_keep.argtypes = (ctypes.py_object,)

_FROM = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(ctypes.c_void_p))
_TO = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))


class _ExchangeAPI(ctypes.Structure):
    """``DLPackExchangeAPI`` (`dlpack/dlpack.h`)."""

    _fields_ = (
        *(("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("previous", ctypes.c_void_p)),
        ("allocate", ctypes.c_void_p),
        *(("from_object", _FROM), ("to_object", _TO)),
        *(("view", ctypes.c_void_p), ("stream", ctypes.c_void_p)),
    )


class OwnTensor:
    """A tensor that wraps a `tvm_ffi.Tensor`, or any object with ``__dlpack__``.

    If a call has returned the tensor, its elements cannot be read.
    """

    __dlpack_c_exchange_api__: object

    def __init__(self, tensor: Any) -> None:
        self.inner = tvm_ffi.from_dlpack(tensor)

    def __dlpack__(self, **options: Any) -> Any:
        return self.inner.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.inner.__dlpack_device__()


def _from_object(tensor: OwnTensor, out: Any) -> int:
    capsule = tensor.inner._to_dlpack_versioned()  # noqa: SLF001
    out[0] = _pointer(capsule, _NAME)
    _rename(capsule, _USED)
    return 0


def _to_object(_: int, out: Any) -> int:
    made = OwnTensor.__new__(OwnTensor)
    _keep(made)
    out[0] = id(made)
    return 0


_API = _ExchangeAPI(1, 1, None, None, _FROM(_from_object), _TO(_to_object), None, None)
OwnTensor.__dlpack_c_exchange_api__ = _new(ctypes.addressof(_API), _API_NAME, None)
