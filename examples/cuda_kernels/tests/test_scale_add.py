# SPDX-License-Identifier: Apache-2.0
"""Errors, which take no GPU; and results, which take one (but neither PyTorch nor CuPy)."""

from __future__ import annotations

import ctypes
import re
from typing import Any

import numpy as np
import pytest
import tvm_ffi
from numpy.typing import NDArray

import cuda_kernels

KDL_CUDA = 2
KDL_FLOAT = 2


def find_driver() -> Any:
    """Return libcuda, ready to use, or None where there is no GPU."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return None
    return driver if count.value else None


DRIVER = find_driver()
needs_gpu = pytest.mark.skipif(DRIVER is None, reason="libcuda finds no GPU")


def test_the_function_is_registered() -> None:
    assert tvm_ffi.get_global_func("cuda_kernels.scale_add", allow_missing=True) is not None
    assert "scale_add" in cuda_kernels.__all__


@pytest.mark.parametrize(
    ("x", "y", "out", "error", "message"),
    [
        ("f8 4", "f4 4", "f4 4", TypeError, "'x': expected dtype float32, got DLPack's type code"),
        ("f4 4", "i4 4", "f4 4", TypeError, "'y': expected dtype float32, got DLPack's type code"),
        ("f4 4", "f4 4", "f2 4", TypeError, "'out': expected dtype float32, got DLPack's type"),
        ("f4 4", "f4 5", "f4 4", ValueError, "'y': expected shape (4,), got (5,)"),
        ("f4 2,2", "f4 2,2", "f4 4", ValueError, "'out': expected shape (2, 2), got (4,)"),
        ("f4 4", "f4 4", "f4 4", ValueError, "'x': expected a tensor on a CUDA device, got one on"),
        ("f4 0", "f4 0", "f4 0", ValueError, "'x': expected a tensor on a CUDA device, got one on"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    x: str, y: str, out: str, error: type[Exception], message: str
) -> None:
    arrays = [
        np.zeros([int(extent) for extent in shape.split(",")], dtype)
        for dtype, _, shape in (argument.partition(" ") for argument in (x, y, out))
    ]
    with pytest.raises(error, match="^" + re.escape(f"scale_add: argument {message}")):
        cuda_kernels.scale_add(2.0, *arrays)


def test_a_tensor_that_is_not_contiguous_is_refused() -> None:
    x = np.zeros((3, 2), "f4")
    with pytest.raises(ValueError, match=r"^scale_add: argument 'y': expected a contiguous"):
        cuda_kernels.scale_add(2.0, x, np.zeros((2, 3), "f4").T, x)


class DLTensor(ctypes.Structure):
    """Of dlpack.h; device and dtype are written as their members."""

    _fields_ = [
        ("data", ctypes.c_uint64),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class DLManagedTensor(ctypes.Structure):
    """Of dlpack.h."""

    _fields_ = [
        ("tensor", DLTensor),
        ("manager_context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    ]


class GpuArray:
    """Elements of a NumPy array on the first GPU. It outlives the tensors that it lends."""

    def __init__(self, array: NDArray[np.float32]) -> None:
        self.array = np.ascontiguousarray(array)
        self.address = ctypes.c_uint64()
        self.lent: list[Any] = []
        size = ctypes.c_size_t(max(array.nbytes, 1))
        check(DRIVER.cuMemAlloc_v2(ctypes.byref(self.address), size))
        if array.nbytes:
            host = ctypes.c_void_p(self.array.ctypes.data)
            check(DRIVER.cuMemcpyHtoD_v2(self.address, host, ctypes.c_size_t(array.nbytes)))

    def tensor(self, *shape: int, first: int = 0) -> Any:
        """Return a tensor of another shape that begins with the element `first`, or of the own."""
        shape = shape or self.array.shape
        managed = DLManagedTensor()
        extents = (ctypes.c_int64 * len(shape))(*shape)
        managed.tensor = DLTensor(
            self.address.value, KDL_CUDA, 0, len(shape), KDL_FLOAT, 32, 1, extents, None, 4 * first
        )
        self.lent.append((managed, extents))
        new = ctypes.pythonapi.PyCapsule_New
        new.restype = ctypes.py_object
        new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return tvm_ffi.from_dlpack(new(ctypes.addressof(managed), b"dltensor", None))

    def numpy(self) -> NDArray[np.float32]:
        """Wait for all that the GPU has to do, and return a copy."""
        check(DRIVER.cuCtxSynchronize())
        result = np.empty_like(self.array)
        if result.nbytes:
            host = ctypes.c_void_p(result.ctypes.data)
            check(DRIVER.cuMemcpyDtoH_v2(host, self.address, ctypes.c_size_t(result.nbytes)))
        return result

    def free(self) -> None:
        check(DRIVER.cuMemFree_v2(self.address))


def check(status: int) -> None:
    assert status == 0, f"CUDA driver error {status}"


@pytest.fixture
def gpu() -> Any:
    """Make arrays on the first GPU; its primary context is the one that the CUDA runtime uses."""
    device = ctypes.c_int()
    context = ctypes.c_void_p()
    check(DRIVER.cuDeviceGet(ctypes.byref(device), 0))
    check(DRIVER.cuDevicePrimaryCtxRetain(ctypes.byref(context), device))
    check(DRIVER.cuCtxSetCurrent(context))
    arrays: list[GpuArray] = []

    def make(array: NDArray[np.float32]) -> GpuArray:
        arrays.append(GpuArray(array))
        return arrays[-1]

    yield make
    for array in arrays:
        array.free()
    check(DRIVER.cuDevicePrimaryCtxRelease_v2(device))


@needs_gpu
@pytest.mark.parametrize("shape", [(1,), (257,), (3, 5, 7), (0,), (4, 0), (5_000_011,)], ids=str)
def test_results_agree_with_numpy(gpu: Any, shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(0)
    x, y = (generator.normal(size=shape).astype("f4") for _ in range(2))
    arrays = gpu(x), gpu(y), gpu(np.full_like(x, np.nan))
    cuda_kernels.scale_add(2.5, *(array.tensor() for array in arrays))
    np.testing.assert_allclose(arrays[2].numpy(), 2.5 * x + y, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(arrays[0].numpy(), x)


@needs_gpu
def test_it_works_in_place(gpu: Any) -> None:
    x, y = (np.arange(1000, dtype="f4") + start for start in (0, 5))
    on_gpu = gpu(x), gpu(y)
    cuda_kernels.scale_add(2.0, on_gpu[0].tensor(), on_gpu[1].tensor(), on_gpu[0].tensor())
    np.testing.assert_array_equal(on_gpu[0].numpy(), 2.0 * x + y)


@needs_gpu
def test_memory_that_overlaps_in_part_is_refused(gpu: Any) -> None:
    memory, y = gpu(np.zeros(8, "f4")), gpu(np.zeros(4, "f4"))
    with pytest.raises(ValueError, match=r"^scale_add: argument 'out': overlaps 'x' in part"):
        cuda_kernels.scale_add(1.0, memory.tensor(4), y.tensor(), memory.tensor(4, first=2))
    cuda_kernels.scale_add(1.0, memory.tensor(4), y.tensor(), memory.tensor(4, first=4))


@needs_gpu
def test_it_runs_on_the_current_stream(gpu: Any) -> None:
    arguments = (3.0, *(gpu(np.ones(1000, "f4")).tensor() for _ in range(3)))
    cuda_kernels.scale_add(*arguments)  # CUDA loads a kernel when it is first used
    stream, graph, nodes = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_size_t()
    check(DRIVER.cuStreamCreate(ctypes.byref(stream), 1))  # CU_STREAM_NON_BLOCKING
    with tvm_ffi.use_raw_stream(tvm_ffi.device("cuda", 0), stream.value):
        check(DRIVER.cuStreamBeginCapture_v2(stream, 2))  # CU_STREAM_CAPTURE_MODE_RELAXED
        cuda_kernels.scale_add(*arguments)
        check(DRIVER.cuStreamEndCapture(stream, ctypes.byref(graph)))
    check(DRIVER.cuGraphGetNodes(graph, None, ctypes.byref(nodes)))
    assert nodes.value == 1
    check(DRIVER.cuGraphDestroy(graph))
    check(DRIVER.cuStreamDestroy_v2(stream))


@needs_gpu
def test_all_arguments_are_on_one_device(gpu: Any) -> None:
    x = gpu(np.zeros(4, "f4"))
    with pytest.raises(ValueError, match=r"'out': expected a tensor on cuda:0 as 'x', got one on"):
        cuda_kernels.scale_add(1.0, x.tensor(), x.tensor(), np.zeros(4, "f4"))
