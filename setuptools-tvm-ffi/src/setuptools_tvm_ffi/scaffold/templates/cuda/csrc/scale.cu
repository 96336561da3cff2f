#include <cuda_runtime.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/extra/cuda/device_guard.h>
#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>
#include <cstdint>

namespace {

namespace ffi = tvm::ffi;

__global__ void ScaleKernel(const float* x, float factor, float* out, int64_t size) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < size) out[i] = factor * x[i];
}

// Returns the elements of an argument of `scale`.
float* Elements(const char* name, ffi::TensorView tensor) {
  if (tensor.dtype() != DLDataType{kDLFloat, 32, 1}) {
    TVM_FFI_THROW(TypeError) << "scale: argument '" << name << "': expected float32 elements";
  }
  if (tensor.device().device_type != kDLCUDA || !tensor.IsContiguous()) {
    TVM_FFI_THROW(ValueError) << "scale: argument '" << name
                              << "': expected a contiguous tensor on a CUDA device";
  }
  return reinterpret_cast<float*>(static_cast<char*>(tensor.data_ptr()) + tensor.byte_offset());
}

void Scale(ffi::TensorView x, double factor, ffi::TensorView out) {
  const float* from = Elements("x", x);
  float* to = Elements("out", out);
  const DLDevice device = x.device();
  const ffi::ShapeView shape = x.shape();
  if (out.device().device_id != device.device_id ||
      !std::equal(shape.begin(), shape.end(), out.shape().begin(), out.shape().end())) {
    TVM_FFI_THROW(ValueError) << "scale: expected 'out' on the device and with the shape of 'x'";
  }
  const int64_t size = x.numel();
  if (size == 0) return;
  ffi::CUDADeviceGuard guard(device.device_id);
  // The current stream of the caller's framework, such as PyTorch.
  auto stream = static_cast<cudaStream_t>(TVMFFIEnvGetStream(device.device_type, device.device_id));
  constexpr int kThreads = 256;
  const auto blocks = static_cast<unsigned int>((size + kThreads - 1) / kThreads);
  ScaleKernel<<<blocks, kThreads, 0, stream>>>(from, static_cast<float>(factor), to, size);
  TVM_FFI_CHECK_CUDA_ERROR(cudaGetLastError());
}

// The build adds each function that is registered here to the Python package `my_package`, with its
// types and this docstring. To add a function, write it above and add another `.def(...)`.
TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef().def("my_package.scale", Scale,
                        R"(scale(x, factor, out)

Write ``factor * x`` to ``out``, on the current stream.

Parameters
----------
x : Tensor
    Contiguous float32 elements on a CUDA device.
factor : float
    The factor.
out : Tensor
    Like ``x``, or ``x`` itself.

Raises
------
TypeError
    If a tensor has another dtype.
ValueError
    If a tensor has another device, shape or layout.)");
}

}  // namespace
