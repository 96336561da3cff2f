#include <tvm/ffi/tvm_ffi.h>

#include "device.cuh"

namespace {

__global__ void DoubleKernel(float* values, int64_t size) {
  int64_t index = blockIdx.x * blockDim.x + threadIdx.x;
  if (index < size) {
    values[index] = twice(values[index]);
  }
}

int64_t Double(void* values, int64_t size) {
  DoubleKernel<<<static_cast<unsigned>((size + 255) / 256), 256>>>(static_cast<float*>(values),
                                                                 size);
  return static_cast<int64_t>(cudaGetLastError());
}

}  // namespace

TVM_FFI_DLL_EXPORT_TYPED_FUNC(double_values, Double)
