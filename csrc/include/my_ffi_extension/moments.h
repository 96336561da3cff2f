// SPDX-License-Identifier: Apache-2.0
//
// Streaming mean and variance, with weights. Plain C++: nothing of TVM-FFI in here but its errors.
#ifndef MY_FFI_EXTENSION_MOMENTS_H_
#define MY_FFI_EXTENSION_MOMENTS_H_

#include <tvm/ffi/error.h>

#include <cmath>
#include <cstdint>

namespace my_ffi_extension {

/// What is kept of a stream of numbers: enough for its mean and variance, in constant space.
///
/// The update is Welford's, weighted as West describes it (Communications of the ACM 22(9), 1979);
/// the merge is the pairwise formula of Chan, Golub and LeVeque. Neither subtracts two large sums.
struct Moments {
  int64_t count = 0;          ///< How many values were added.
  double mean = 0.0;          ///< Their weighted mean, 0 as long as there are none.
  double total_weight = 0.0;  ///< The sum of the weights; equal to count where all weights are 1.
  double total_weight_sq = 0.0;  ///< The sum of the squared weights.
  double m2 = 0.0;               ///< The weighted sum of squared distances from the mean.

  /// Adds one value. `value` is finite, `weight` is finite and positive; the caller has checked.
  void Add(double value, double weight = 1.0) {
    count += 1;
    total_weight += weight;
    total_weight_sq += weight * weight;
    const double delta = value - mean;
    mean += delta * (weight / total_weight);
    m2 += weight * delta * (value - mean);
  }

  /// Adds everything that `other` has seen. By value, so that merging a thing with itself is fine.
  void Merge(Moments other) {
    if (other.count == 0) return;
    if (count == 0) {
      *this = other;
      return;
    }
    const double sum = total_weight + other.total_weight;
    const double delta = other.mean - mean;
    m2 += other.m2 + delta * delta * total_weight * (other.total_weight / sum);
    mean += delta * (other.total_weight / sum);
    count += other.count;
    total_weight = sum;
    total_weight_sq += other.total_weight_sq;
  }

  /// The variance with `ddof` degrees of freedom taken off: 0 for a population, 1 for a sample.
  double Variance(int64_t ddof) const { return m2 / (total_weight - static_cast<double>(ddof)); }
};

/// Raises ValueError unless `value` is a finite number; `what` names it, as "push: argument
/// 'value'".
inline void RequireFinite(double value, const char* what) {
  if (!std::isfinite(value)) {
    TVM_FFI_THROW(ValueError) << what << ": expected a finite number, got " << value;
  }
}

}  // namespace my_ffi_extension

#endif  // MY_FFI_EXTENSION_MOMENTS_H_
