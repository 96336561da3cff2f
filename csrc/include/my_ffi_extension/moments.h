// SPDX-License-Identifier: Apache-2.0
//
// Streaming mean and variance, with weights. This is plain C++, except for the errors of TVM-FFI.
#ifndef MY_FFI_EXTENSION_MOMENTS_H_
#define MY_FFI_EXTENSION_MOMENTS_H_

#include <tvm/ffi/error.h>

#include <cmath>
#include <cstdint>

namespace my_ffi_extension {

/// The mean and variance of a stream of numbers, in constant space.
///
/// `Add` uses Welford's formula with weights (West, Communications of the ACM 22(9), 1979). `Merge`
/// uses the pairwise formula of Chan, Golub and LeVeque. Neither subtracts two large sums.
struct Moments {
  int64_t count = 0;             ///< The number of added values.
  double mean = 0.0;             ///< The weighted mean of the values, 0 without values.
  double total_weight = 0.0;     ///< The sum of the weights; equal to count if all weights are 1.
  double total_weight_sq = 0.0;  ///< The sum of the squared weights.
  double m2 = 0.0;               ///< The weighted sum of squared distances from the mean.

  /// Adds one value. The caller checks that `value` is finite and `weight` is finite and positive.
  void Add(double value, double weight = 1.0) {
    count += 1;
    total_weight += weight;
    total_weight_sq += weight * weight;
    const double delta = value - mean;
    mean += delta * (weight / total_weight);
    m2 += weight * delta * (value - mean);
  }

  /// Adds all values of `other`. The parameter is a copy, so that an object can merge with itself.
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

  /// Returns the variance. The divisor is the total weight minus `ddof`, which is 0 for a
  /// population and 1 for a sample.
  double Variance(int64_t ddof) const { return m2 / (total_weight - static_cast<double>(ddof)); }
};

/// Raises ValueError if `value` is not finite. `what` is the start of the message, such as "push:
/// argument 'value'".
inline void RequireFinite(double value, const char* what) {
  if (!std::isfinite(value)) {
    TVM_FFI_THROW(ValueError) << what << ": expected a finite number, got " << value;
  }
}

}  // namespace my_ffi_extension

#endif  // MY_FFI_EXTENSION_MOMENTS_H_
