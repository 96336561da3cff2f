// SPDX-License-Identifier: Apache-2.0
//
// What the C++ file knows of the CUDA file: no header of CUDA is needed to call it.
#ifndef CUDA_KERNELS_SCALE_ADD_H_
#define CUDA_KERNELS_SCALE_ADD_H_

#include <cstdint>

namespace cuda_kernels {

/// Starts `out[i] = scale * x[i] + y[i]` for `size` elements, 1 or more, and does not wait for it.
///
/// `x`, `y` and `out` are memory of the CUDA device `device`, `stream` is a `cudaStream_t` of it.
/// RuntimeError where CUDA refuses.
void LaunchScaleAdd(float scale, const float* x, const float* y, float* out, int64_t size,
                    int device, void* stream);

}  // namespace cuda_kernels

#endif  // CUDA_KERNELS_SCALE_ADD_H_
