// SPDX-License-Identifier: Apache-2.0
//
// Global functions `numpy_interop._kernels.clip` and `.histogram`, over tensors of any strides.
#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <sstream>
#include <string>
#include <vector>

namespace numpy_interop {
namespace {

namespace ffi = tvm::ffi;

// As NumPy names it. What goes into a message must not throw, and DLDataTypeToString does for types
// that it has no name for.
std::string DTypeText(DLDataType dtype) {
  static const char* const kNames[] = {"int", "uint", "float", "opaque", "bfloat", "complex"};
  std::ostringstream text;
  if (dtype.code == kDLBool) return "bool";
  if (dtype.code < sizeof(kNames) / sizeof(kNames[0])) {
    text << kNames[dtype.code] << static_cast<int>(dtype.bits);
  } else {
    text << "DLPack's type code " << static_cast<int>(dtype.code);
  }
  if (dtype.lanes != 1) text << 'x' << dtype.lanes;
  return text.str();
}

std::string ShapeText(ffi::ShapeView shape) {
  std::ostringstream text;
  text << '(';
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    text << (axis == 0 ? "" : ", ") << shape[axis];
  }
  text << (shape.size() == 1 ? ",)" : ")");
  return text.str();
}

// A tensor with the names that its errors mention.
struct Argument {
  const char* function;
  const char* name;
  ffi::TensorView tensor;

  std::string Where() const { return std::string(function) + ": argument '" + name + "': "; }

  template <typename T>
  bool Is() const {
    const DLDataType dtype = tensor.dtype();
    return dtype.code == kDLFloat && dtype.bits == 8 * sizeof(T) && dtype.lanes == 1;
  }

  uintptr_t Address() const {
    return reinterpret_cast<uintptr_t>(tensor.data_ptr()) +
           static_cast<uintptr_t>(tensor.byte_offset());
  }

  template <typename T>
  T* Data() const {
    return reinterpret_cast<T*>(Address());
  }

  void CheckReadable() const {
    if (tensor.device().device_type != kDLCPU) {
      TVM_FFI_THROW(ValueError) << Where() << "expected an array in the processor's memory, got "
                                << "one on DLPack's device type "
                                << static_cast<int>(tensor.device().device_type);
    }
    if (!Is<float>() && !Is<double>()) {
      TVM_FFI_THROW(TypeError) << Where() << "expected dtype float32 or float64, got "
                               << DTypeText(tensor.dtype());
    }
    const size_t alignment = tensor.dtype().bits / 8;
    if (tensor.numel() != 0 && Address() % alignment != 0) {
      TVM_FFI_THROW(ValueError) << Where() << "expected elements aligned to " << alignment
                                << " bytes; numpy.require(array, requirements='A') aligns them";
    }
  }

  void CheckWritableLike(const Argument& other) const {
    CheckReadable();
    if (Is<float>() != other.Is<float>()) {
      TVM_FFI_THROW(TypeError) << Where() << "expected dtype " << DTypeText(other.tensor.dtype())
                               << " as in '" << other.name << "', got "
                               << DTypeText(tensor.dtype());
    }
    const ffi::ShapeView shape = tensor.shape();
    const ffi::ShapeView expected = other.tensor.shape();
    if (!std::equal(shape.begin(), shape.end(), expected.begin(), expected.end())) {
      TVM_FFI_THROW(ValueError) << Where() << "expected shape " << ShapeText(expected) << ", got "
                                << ShapeText(shape);
    }
    if (tensor.numel() == 0) return;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] > 1 && tensor.stride(static_cast<int64_t>(axis)) == 0) {
        TVM_FFI_THROW(ValueError) << Where() << "several elements share their memory along axis "
                                  << axis << ", so that they cannot be written one by one";
      }
    }
  }
};

// Calls `visit` with where an element lies, from the first one, in two tensors of one shape.
// Strides count elements and may be negative, or zero.
template <typename Visit>
void ForEachElement(const ffi::TensorView& first, const ffi::TensorView& second, Visit visit) {
  if (first.numel() == 0) return;
  const ffi::ShapeView shape = first.shape();
  std::vector<int64_t> index(shape.size(), 0);
  int64_t first_offset = 0;
  int64_t second_offset = 0;
  for (;;) {
    visit(first_offset, second_offset);
    // Like an odometer: the last axis runs fastest, and one that is through starts again.
    int32_t axis = first.ndim() - 1;
    for (; axis >= 0; --axis) {
      if (++index[axis] < shape[axis]) {
        first_offset += first.stride(axis);
        second_offset += second.stride(axis);
        break;
      }
      first_offset -= (shape[axis] - 1) * first.stride(axis);
      second_offset -= (shape[axis] - 1) * second.stride(axis);
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

template <typename T>
void ClipElements(const Argument& x, double lower, double upper, const Argument& out) {
  const T* from = x.Data<const T>();
  T* to = out.Data<T>();
  ForEachElement(x.tensor, out.tensor, [=](int64_t read, int64_t written) {
    const double value = from[read];
    to[written] = static_cast<T>(std::min(std::max(value, lower), upper));  // keeps NaN
  });
}

void Clip(ffi::TensorView x_view, double lower, double upper, ffi::TensorView out_view) {
  const Argument x{"clip", "x", x_view};
  const Argument out{"clip", "out", out_view};
  x.CheckReadable();
  out.CheckWritableLike(x);
  if (!(lower <= upper)) {
    TVM_FFI_THROW(ValueError) << "clip: expected lower <= upper, got " << lower << " and " << upper;
  }
  if (x.Is<float>()) {
    ClipElements<float>(x, lower, upper, out);
  } else {
    ClipElements<double>(x, lower, upper, out);
  }
}

// How Tensor::FromNDAlloc asks for memory. It lives as long as anything that views the tensor.
struct CountAllocator {
  void AllocData(DLTensor* tensor) {
    const size_t count = static_cast<size_t>(tensor->shape[0]);
    tensor->data = new (std::nothrow) int64_t[count]();
    if (tensor->data == nullptr) {
      TVM_FFI_THROW(MemoryError) << "histogram: cannot allocate " << count << " counts";
    }
  }

  void FreeData(DLTensor* tensor) { delete[] static_cast<int64_t*>(tensor->data); }
};

template <typename T>
void Count(const Argument& x, double lower, double upper, int64_t bins, int64_t* counts) {
  const T* from = x.Data<const T>();
  const double bins_per_unit = static_cast<double>(bins) / (upper - lower);
  ForEachElement(x.tensor, x.tensor, [=](int64_t read, int64_t) {
    const double value = from[read];
    if (!(lower <= value && value <= upper)) return;  // NaN, too
    const int64_t bin = static_cast<int64_t>((value - lower) * bins_per_unit);
    ++counts[std::min(bin, bins - 1)];  // the last bin includes its end
  });
}

ffi::Tensor Histogram(ffi::TensorView x_view, double lower, double upper, int64_t bins) {
  const Argument x{"histogram", "x", x_view};
  x.CheckReadable();
  if (!(lower < upper) || !std::isfinite(upper - lower)) {
    TVM_FFI_THROW(ValueError) << "histogram: expected lower < upper, both finite, got " << lower
                              << " and " << upper;
  }
  constexpr int64_t kMaxBins = std::numeric_limits<int32_t>::max();
  if (bins < 1 || bins > kMaxBins) {
    TVM_FFI_THROW(ValueError) << "histogram: argument 'bins': expected 1 <= bins <= " << kMaxBins
                              << ", got " << bins;
  }
  ffi::Tensor counts = ffi::Tensor::FromNDAlloc(CountAllocator(), ffi::Shape({bins}),
                                                DLDataType{kDLInt, 64, 1}, DLDevice{kDLCPU, 0});
  int64_t* data = static_cast<int64_t*>(counts.data_ptr());
  if (x.Is<float>()) {
    Count<float>(x, lower, upper, bins, data);
  } else {
    Count<double>(x, lower, upper, bins, data);
  }
  return counts;
}

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef()
      .def("numpy_interop._kernels.clip", Clip,
           R"(clip(x, lower, upper, out)

Write every element of ``x``, moved into the interval from ``lower`` to ``upper``, to ``out``.

Parameters
----------
x : Tensor
    float32 or float64 on the CPU, of any shape and strides. It is only read.
lower, upper : float
    The interval.
out : Tensor
    As ``x``; may be ``x`` itself, but must not overlap it otherwise.)")
      .def("numpy_interop._kernels.histogram", Histogram,
           R"(histogram(x, lower, upper, bins)

Count the elements of ``x`` in bins of equal width between ``lower`` and ``upper``.

Parameters
----------
x : Tensor
    float32 or float64 on the CPU, of any shape and strides. It is only read.
lower, upper : float
    Where the first bin begins and the last one ends. What lies outside is not counted.
bins : int
    How many bins.

Returns
-------
Tensor
    A new int64 tensor of shape ``(bins,)``.)");
}

}  // namespace
}  // namespace numpy_interop
