// SPDX-License-Identifier: Apache-2.0
//
// The kernel. The library contains its compiled code as data.
#include <cstdint>

extern "C" __global__ void scale(const float* x, float* y, float factor, int64_t n) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) y[i] = factor * x[i];
}
