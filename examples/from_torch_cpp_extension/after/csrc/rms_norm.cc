// SPDX-License-Identifier: Apache-2.0
//
// The functions `rms_norm_after.rms_norm` and `.rms_norm_out`, over tensors of any framework.
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernel.h"

namespace {

namespace ffi = tvm::ffi;

template <typename T>
bool Is(ffi::TensorView tensor) {
  const DLDataType dtype = tensor.dtype();
  return dtype.code == kDLFloat && dtype.bits == 8 * sizeof(T) && dtype.lanes == 1;
}

template <typename T>
T* Data(ffi::TensorView tensor) {
  return reinterpret_cast<T*>(static_cast<char*>(tensor.data_ptr()) + tensor.byte_offset());
}

void CheckTensor(const char* name, ffi::TensorView tensor) {
  if (tensor.device().device_type != kDLCPU) {
    TVM_FFI_THROW(ValueError) << "rms_norm: argument '" << name
                              << "': expected a CPU tensor, got one on DLPack's device type "
                              << static_cast<int>(tensor.device().device_type);
  }
  if (!Is<float>(tensor) && !Is<double>(tensor)) {
    const DLDataType dtype = tensor.dtype();
    TVM_FFI_THROW(TypeError) << "rms_norm: argument '" << name
                             << "': expected dtype float32 or float64, got DLPack's type code "
                             << static_cast<int>(dtype.code) << " with "
                             << static_cast<int>(dtype.bits) << " bits";
  }
  if (!tensor.IsContiguous()) {
    TVM_FFI_THROW(ValueError) << "rms_norm: argument '" << name
                              << "': expected a contiguous tensor";
  }
  if (reinterpret_cast<uintptr_t>(Data<char>(tensor)) % (tensor.dtype().bits / 8) != 0) {
    TVM_FFI_THROW(ValueError) << "rms_norm: argument '" << name << "': expected aligned elements";
  }
}

void CheckSameDType(const char* name, ffi::TensorView tensor, ffi::TensorView x) {
  if (Is<float>(tensor) != Is<float>(x)) {
    TVM_FFI_THROW(TypeError) << "rms_norm: argument '" << name << "': expected the dtype of 'x'";
  }
}

void CheckInputs(ffi::TensorView x, ffi::TensorView weight) {
  CheckTensor("x", x);
  CheckTensor("weight", weight);
  CheckSameDType("weight", weight, x);
  if (x.ndim() < 1) {
    TVM_FFI_THROW(ValueError) << "rms_norm: argument 'x': expected 1 axis or more, got 0";
  }
  if (weight.ndim() != 1 || weight.size(0) != x.size(-1)) {
    TVM_FFI_THROW(ValueError) << "rms_norm: argument 'weight': expected 1 axis of " << x.size(-1)
                              << " elements, as many as rows of 'x' have";
  }
}

void Compute(ffi::TensorView x, ffi::TensorView weight, double eps, ffi::TensorView out) {
  if (x.numel() == 0) return;
  const int64_t columns = x.size(-1);
  const int64_t rows = x.numel() / columns;
  if (Is<float>(x)) {
    RmsNormKernel(Data<const float>(x), Data<const float>(weight), eps, Data<float>(out), rows,
                  columns);
  } else {
    RmsNormKernel(Data<const double>(x), Data<const double>(weight), eps, Data<double>(out), rows,
                  columns);
  }
}

ffi::Tensor RmsNorm(ffi::TensorView x, ffi::TensorView weight, double eps) {
  CheckInputs(x, weight);
  if (TVMFFIEnvGetDLPackManagedTensorAllocator() == nullptr) {
    TVM_FFI_THROW(TypeError) << "rms_norm: no argument is of a framework that lends its allocator, "
                                "as PyTorch does; rms_norm_out takes a tensor to write to";
  }
  // Allocated by the framework of the arguments, and one of its tensors for the caller.
  ffi::Tensor out =
      ffi::Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, x.shape(), x.dtype(), x.device());
  Compute(x, weight, eps, out);
  return out;
}

void RmsNormOut(ffi::TensorView x, ffi::TensorView weight, double eps, ffi::TensorView out) {
  CheckInputs(x, weight);
  CheckTensor("out", out);
  CheckSameDType("out", out, x);
  const ffi::ShapeView shape = out.shape();
  if (!std::equal(shape.begin(), shape.end(), x.shape().begin(), x.shape().end())) {
    TVM_FFI_THROW(ValueError) << "rms_norm: argument 'out': expected the shape of 'x'";
  }
  Compute(x, weight, eps, out);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef()
      .def("rms_norm_after.rms_norm", RmsNorm,
           R"(rms_norm(x, weight, eps)

Divide rows by their root mean square, times a weight.

Parameters
----------
x : Tensor
    float32 or float64 on the CPU, contiguous, with 1 axis or more.
weight : Tensor
    One number for each column, of the dtype of ``x``.
eps : float
    Added to the mean of the squares.

Returns
-------
Tensor
    As ``x``, of the framework that ``x`` is from. That has to be one that lends TVM-FFI its
    allocator, as PyTorch does; NumPy does not, and is served by ``rms_norm_out``.)")
      .def("rms_norm_after.rms_norm_out", RmsNormOut,
           R"(rms_norm_out(x, weight, eps, out)

Do as ``rms_norm`` does and write to ``out``.

Parameters
----------
x, weight, eps
    As there.
out : Tensor
    As ``x``, or ``x`` itself.)");
}

}  // namespace
