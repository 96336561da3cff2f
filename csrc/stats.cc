// SPDX-License-Identifier: Apache-2.0
//
// Statistics of lists, and a histogram. The nested prefix `my_ffi_extension.stats.` becomes the
// Python package `my_ffi_extension.stats`.
#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "my_ffi_extension/field_traits.h"
#include "my_ffi_extension/moments.h"

namespace my_ffi_extension {
namespace {

namespace ffi = tvm::ffi;

// Copies the values from the FFI container into a vector, and checks each value.
std::vector<double> FiniteValues(const char* function, const ffi::Array<double>& values) {
  if (values.empty()) {
    TVM_FFI_THROW(ValueError) << function
                              << ": argument 'values': expected at least one value, got none";
  }
  std::vector<double> result;
  result.reserve(values.size());
  for (double value : values) {
    if (!std::isfinite(value)) {
      TVM_FFI_THROW(ValueError) << function << ": argument 'values', index " << result.size()
                                << ": expected a finite number, got " << value;
    }
    result.push_back(value);
  }
  return result;
}

ffi::Map<ffi::String, double> Summary(const ffi::Array<double>& values) {
  const std::vector<double> checked = FiniteValues("summary", values);
  Moments moments;
  for (double value : checked) moments.Add(value);
  const auto [min, max] = std::minmax_element(checked.begin(), checked.end());
  ffi::Map<ffi::String, double> summary;
  summary.Set("count", static_cast<double>(moments.count));
  summary.Set("mean", moments.mean);
  summary.Set("std", std::sqrt(moments.Variance(0)));
  summary.Set("min", *min);
  summary.Set("max", *max);
  return summary;
}

// Returns a number between `a` and `b`. `b - a` can overflow only if the signs differ.
double Interpolate(double a, double b, double t) {
  if ((a < 0.0) != (b < 0.0)) return (1.0 - t) * a + t * b;
  return a + (b - a) * t;
}

double Quantile(const ffi::Array<double>& values, double q, ffi::Optional<ffi::String> method) {
  if (!(q >= 0.0 && q <= 1.0)) {
    TVM_FFI_THROW(ValueError) << "quantile: argument 'q': expected 0 <= q <= 1, got " << q;
  }
  std::vector<double> sorted = FiniteValues("quantile", values);
  std::sort(sorted.begin(), sorted.end());
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double fraction = position - static_cast<double>(below);

  const ffi::String chosen = method.value_or(ffi::String("linear"));
  const std::string_view name(chosen.data(), chosen.size());
  if (name == "linear") return Interpolate(sorted[below], sorted[above], fraction);
  if (name == "lower") return sorted[below];
  if (name == "higher") return sorted[fraction > 0.0 ? above : below];
  if (name == "midpoint") {
    return fraction > 0.0 ? Interpolate(sorted[below], sorted[above], 0.5) : sorted[below];
  }
  // Round a position halfway between two indices to the even index, like numpy.
  if (name == "nearest") return sorted[static_cast<size_t>(std::nearbyint(position))];
  TVM_FFI_THROW(ValueError) << "quantile: argument 'method': expected 'linear', 'lower', 'higher', "
                               "'midpoint' or 'nearest', got '"
                            << name << "'";
  TVM_FFI_UNREACHABLE();
}

class HistogramObj : public ffi::Object {
 public:
  double lower;
  double upper;
  int64_t bins;
  int64_t underflow = 0;
  int64_t overflow = 0;

  HistogramObj(double lower, double upper, int64_t bins) : lower(lower), upper(upper), bins(bins) {
    if (!(lower < upper) || !std::isfinite(upper - lower)) {
      TVM_FFI_THROW(ValueError) << "Histogram: expected finite lower < upper, got " << lower
                                << " and " << upper;
    }
    if (bins < 1 || bins > kMaxBins) {
      TVM_FFI_THROW(ValueError) << "Histogram: argument 'bins': expected 1 <= bins <= " << kMaxBins
                                << ", got " << bins;
    }
    counts_.resize(static_cast<size_t>(bins));
  }

  void Push(double value) {
    if (std::isnan(value)) {
      TVM_FFI_THROW(ValueError) << "push: argument 'value': expected a number, got nan";
    }
    if (value < lower) {
      underflow += 1;
    } else if (value > upper) {
      overflow += 1;
    } else {
      const double position = (value - lower) / (upper - lower) * static_cast<double>(bins);
      // The upper edge belongs to the last bin. Rounding must not give an index after the last bin.
      counts_[std::min(static_cast<size_t>(position), counts_.size() - 1)] += 1;
    }
  }

  ffi::Array<int64_t> Counts() const { return ffi::Array<int64_t>(counts_.begin(), counts_.end()); }

  ffi::Array<double> Edges() const {
    ffi::Array<double> edges;
    for (size_t i = 0; i < counts_.size(); ++i) {
      edges.push_back(lower +
                      (upper - lower) * (static_cast<double>(i) / static_cast<double>(bins)));
    }
    edges.push_back(upper);
    return edges;
  }

  static constexpr int64_t kMaxBins = int64_t{1} << 24;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("my_ffi_extension.stats.Histogram", HistogramObj, ffi::Object);

 private:
  std::vector<int64_t> counts_;
};

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef()
      .def("my_ffi_extension.stats.summary", Summary,
           R"(summary(values, /)

Describe a list of numbers.

Parameters
----------
values : Sequence[float]
    Finite numbers, at least one.

Returns
-------
Mapping[str, float]
    ``count``, ``mean``, ``std`` (of the population), ``min`` and ``max``.

Raises
------
ValueError
    If there are no values, or one is not finite, with its index.)")
      .def("my_ffi_extension.stats.quantile", Quantile,
           R"(quantile(values, q, method=None)

Return the value below which the share ``q`` of the values lies.

Parameters
----------
values : Sequence[float]
    Finite numbers, at least one, in any order.
q : float
    The share, from 0 to 1.
method : str or None
    What to do between two values: ``linear`` (where it is None), ``lower``, ``higher``,
    ``midpoint`` or ``nearest``; as in ``numpy.quantile``.

Returns
-------
float
    The quantile.

Raises
------
ValueError
    If there are no values, one is not finite, ``q`` is out of range or ``method`` is unknown.)");

  refl::ObjectDef<HistogramObj>()
      .def_ro("lower", &HistogramObj::lower, "Where the first bin begins.")
      .def_ro("upper", &HistogramObj::upper, "Where the last bin ends; this value is part of it.")
      .def_ro("bins", &HistogramObj::bins, "How many bins there are.")
      .def_ro("underflow", &HistogramObj::underflow, NotInConstructor(),
              "How many values were below ``lower``.")
      .def_ro("overflow", &HistogramObj::overflow, NotInConstructor(),
              "How many values were above ``upper``.")
      .def(refl::init<double, double, int64_t>(),
           R"(Histogram(lower, upper, bins=10)

Counts of values in bins of equal width.

Parameters
----------
lower, upper : float
    Where the bins begin and end.
bins : int
    How many bins, 1 or more.

Raises
------
ValueError
    Unless ``lower < upper`` and ``bins`` is at least 1.)")
      .def("push", &HistogramObj::Push,
           R"(push(value, /)

Count one value.

Parameters
----------
value : float
    Any number; infinite ones are below or above all bins.

Raises
------
ValueError
    If ``value`` is not a number.)")
      .def("counts", &HistogramObj::Counts,
           R"(counts()

Return how many values each bin has.

Returns
-------
Sequence[int]
    One count for each bin.)")
      .def("edges", &HistogramObj::Edges,
           R"(edges()

Return where the bins begin and end.

Returns
-------
Sequence[float]
    One more than there are bins, from ``lower`` to ``upper``.)");
}

}  // namespace
}  // namespace my_ffi_extension
