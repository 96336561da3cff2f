// SPDX-License-Identifier: Apache-2.0
//
// The kernel, and how it is launched.
#include <cuda_runtime.h>
#include <tvm/ffi/extra/cuda/device_guard.h>

#include <algorithm>
#include <cstdint>

#include "scale_add.h"

namespace cuda_kernels {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kBlocksPerProcessor = 8;

// `out` may be `x` or `y`: a thread reads its elements before it writes them.
__global__ void __launch_bounds__(kThreads)
    ScaleAddKernel(float scale, const float* x, const float* y, float* out, int64_t size) {
  // In 64 bits: blockIdx.x * blockDim.x is unsigned int, which a large tensor overflows.
  const int64_t first = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = first; i < size; i += stride) {
    out[i] = fmaf(scale, x[i], y[i]);
  }
}

}  // namespace

void LaunchScaleAdd(float scale, const float* x, const float* y, float* out, int64_t size,
                    int device, void* stream) {
  // The caller's current device may be another one, and stays what it is.
  tvm::ffi::CUDADeviceGuard guard(device);
  int processors = 0;
  TVM_FFI_CHECK_CUDA_ERROR(
      cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
  const int64_t wanted = (size - 1) / kThreads + 1;
  const int64_t blocks = std::min(wanted, kBlocksPerProcessor * processors);
  ScaleAddKernel<<<static_cast<unsigned int>(blocks), kThreads, 0,
                   static_cast<cudaStream_t>(stream)>>>(scale, x, y, out, size);
  TVM_FFI_CHECK_CUDA_ERROR(cudaGetLastError());
}

}  // namespace cuda_kernels
