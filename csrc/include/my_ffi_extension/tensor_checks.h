// SPDX-License-Identifier: Apache-2.0
//
// Checks for tensor arguments whose messages name the function, the argument and the mistake.
//
//     const TensorArgument x("scale", "x", x_view);
//     x.OnCpu().FloatingPoint().Contiguous();
//     const TensorArgument out("scale", "out", out_view);
//     out.OnCpu().SameDTypeAs(x).SameShapeAs(x).Contiguous();
//
// The wrong kind of thing raises TypeError, a thing of the right kind that does not fit ValueError.
#ifndef MY_FFI_EXTENSION_TENSOR_CHECKS_H_
#define MY_FFI_EXTENSION_TENSOR_CHECKS_H_

#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

namespace my_ffi_extension {

/// Writes a shape the way Python writes a tuple: `()`, `(3,)`, `(2, 3)`.
inline std::string ShapeText(tvm::ffi::ShapeView shape) {
  std::ostringstream text;
  text << '(';
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    text << (axis == 0 ? "" : ", ") << shape[axis];
  }
  text << (shape.size() == 1 ? ",)" : ")");
  return text.str();
}

/// Writes a dtype the way numpy names it: `float32`, `complex128`, `float32x4` with four lanes.
///
/// tvm::ffi::DLDataTypeToString throws for types it has no name for, complex numbers among them. An
/// exception from within `TVM_FFI_THROW(...) << ...` ends the process, so whatever goes into a
/// message must not throw.
inline std::string DTypeText(DLDataType dtype) {
  std::ostringstream text;
  switch (dtype.code) {
    case kDLInt:
      text << "int";
      break;
    case kDLUInt:
      text << "uint";
      break;
    case kDLFloat:
      text << "float";
      break;
    case kDLBfloat:
      text << "bfloat";
      break;
    case kDLComplex:
      text << "complex";
      break;
    case kDLBool:
      text << "bool";
      break;
    default:
      text << "dtype code " << static_cast<int>(dtype.code) << ", bits ";
  }
  if (dtype.code != kDLBool || dtype.bits != 8) text << static_cast<int>(dtype.bits);
  if (dtype.lanes != 1) text << 'x' << dtype.lanes;
  return text.str();
}

/// A tensor argument together with the names that its errors mention. Every check returns the
/// argument itself or throws, so checks are chained. `function` and `name` must outlive it; string
/// literals do.
class TensorArgument {
 public:
  TensorArgument(const char* function, const char* name, tvm::ffi::TensorView tensor)
      : function_(function), name_(name), tensor_(tensor) {}

  /// ValueError unless the elements can be read and written by the processor itself.
  const TensorArgument& OnCpu() const {
    const DLDevice device = tensor_.device();
    if (device.device_type != kDLCPU) {
      TVM_FFI_THROW(ValueError) << Where() << "expected a CPU tensor, got one on device type "
                                << static_cast<int>(device.device_type) << ", device "
                                << device.device_id;
    }
    return *this;
  }

  /// TypeError unless the elements are float32 or float64.
  const TensorArgument& FloatingPoint() const {
    if (!Is<float>() && !Is<double>()) {
      TVM_FFI_THROW(TypeError) << Where() << "expected dtype float32 or float64, got "
                               << DTypeText(tensor_.dtype());
    }
    return *this;
  }

  /// TypeError unless the elements have the type of those in `other`.
  const TensorArgument& SameDTypeAs(const TensorArgument& other) const {
    const DLDataType mine = tensor_.dtype();
    const DLDataType theirs = other.tensor_.dtype();
    if (mine.code != theirs.code || mine.bits != theirs.bits || mine.lanes != theirs.lanes) {
      TVM_FFI_THROW(TypeError) << Where() << "expected dtype " << DTypeText(theirs) << " as in '"
                               << other.name_ << "', got " << DTypeText(mine);
    }
    return *this;
  }

  /// ValueError unless rank and every extent are those of `other`. Nothing is broadcast.
  const TensorArgument& SameShapeAs(const TensorArgument& other) const {
    const tvm::ffi::ShapeView mine = tensor_.shape();
    const tvm::ffi::ShapeView theirs = other.tensor_.shape();
    bool same = mine.size() == theirs.size();
    for (size_t axis = 0; same && axis < mine.size(); ++axis) {
      same = mine[axis] == theirs[axis];
    }
    if (!same) {
      TVM_FFI_THROW(ValueError) << Where() << "expected shape " << ShapeText(theirs) << ", got "
                                << ShapeText(mine);
    }
    return *this;
  }

  /// ValueError unless the elements lie one after another in row-major order.
  const TensorArgument& Contiguous() const {
    // A tensor without elements is contiguous whatever its strides say; TensorView::IsContiguous
    // of apache-tvm-ffi 0.1.9 does not know that yet.
    if (tensor_.numel() != 0 && !tensor_.IsContiguous()) {
      TVM_FFI_THROW(ValueError) << Where() << "expected a contiguous (row-major) tensor, got shape "
                                << ShapeText(tensor_.shape()) << " with strides "
                                << ShapeText(tensor_.strides()) << " (in elements)";
    }
    return *this;
  }

  /// ValueError where the memory overlaps that of `other` without being the same: an element-wise
  /// function would then read what it has already written. Both must be contiguous. Being the very
  /// same memory (working in place) is fine.
  const TensorArgument& SameMemoryOrApartFrom(const TensorArgument& other) const {
    const uintptr_t mine = Address();
    const uintptr_t theirs = other.Address();
    const bool apart = mine + SizeInBytes() <= theirs || theirs + other.SizeInBytes() <= mine;
    if (!apart && mine != theirs) {
      TVM_FFI_THROW(ValueError) << Where() << "overlaps '" << other.name_
                                << "' in part; pass the same memory or memory of its own";
    }
    return *this;
  }

  /// Whether the elements are of type `T`, which is float or double.
  template <typename T>
  bool Is() const {
    const DLDataType dtype = tensor_.dtype();
    return dtype.code == kDLFloat && dtype.bits == 8 * sizeof(T) && dtype.lanes == 1;
  }

  /// The first element. ValueError unless it is aligned for `T`; null is fine without elements.
  template <typename T>
  T* Data() const {
    if (tensor_.numel() != 0 && Address() % alignof(T) != 0) {
      TVM_FFI_THROW(ValueError) << Where() << "expected data aligned to " << alignof(T) << " bytes";
    }
    return reinterpret_cast<T*>(Address());
  }

  int64_t numel() const { return tensor_.numel(); }

 private:
  // DLPack keeps the start of a view apart from the start of the allocation; numpy and PyTorch
  // leave byte_offset at 0, others do not.
  uintptr_t Address() const {
    return reinterpret_cast<uintptr_t>(tensor_.data_ptr()) +
           static_cast<uintptr_t>(tensor_.byte_offset());
  }

  size_t SizeInBytes() const {
    return tvm::ffi::GetDataSize(static_cast<size_t>(tensor_.numel()), tensor_.dtype());
  }

  std::string Where() const { return std::string(function_) + ": argument '" + name_ + "': "; }

  const char* function_;
  const char* name_;
  tvm::ffi::TensorView tensor_;
};

}  // namespace my_ffi_extension

#endif  // MY_FFI_EXTENSION_TENSOR_CHECKS_H_
