// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic, which is the same before and after.
#ifndef RMS_NORM_KERNEL_H_
#define RMS_NORM_KERNEL_H_

#include <cmath>
#include <cstdint>

/// out[i][j] = x[i][j] / sqrt(mean(x[i]**2) + eps) * weight[j], all contiguous.
template <typename T>
void RmsNormKernel(const T* x, const T* weight, double eps, T* out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i, x += columns, out += columns) {
    double squares = 0.0;
    for (int64_t j = 0; j < columns; ++j) squares += static_cast<double>(x[j]) * x[j];
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(columns) + eps);
    for (int64_t j = 0; j < columns; ++j) out[j] = static_cast<T>(x[j] * scale * weight[j]);
  }
}

#endif  // RMS_NORM_KERNEL_H_
