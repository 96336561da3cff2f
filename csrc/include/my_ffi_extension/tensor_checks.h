// SPDX-License-Identifier: Apache-2.0
//
// Checks for tensor arguments whose messages name the function, the argument and the mistake.
//
//     const TensorArgument x("scale", "x", x_view);
//     x.OnCpu().FloatingPoint().Contiguous();
//     const TensorArgument out("scale", "out", out_view);
//     out.OnCpu().SameDTypeAs(x).SameShapeAs(x).Contiguous();
//
// A tensor with an unsupported dtype raises TypeError. Any other mismatch raises ValueError.
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

/// Formats a shape like a Python tuple: `()`, `(3,)`, `(2, 3)`.
inline std::string ShapeText(tvm::ffi::ShapeView shape) {
  std::ostringstream text;
  text << '(';
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    text << (axis == 0 ? "" : ", ") << shape[axis];
  }
  text << (shape.size() == 1 ? ",)" : ")");
  return text.str();
}

/// Formats a dtype with numpy's name: `float32`, `complex128`, or `float32x4` with four lanes.
///
/// tvm::ffi::DLDataTypeToString throws an exception for some types, such as complex numbers. An
/// exception inside `TVM_FFI_THROW(...) << ...` terminates the process. This function never throws
/// because of the dtype.
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

/// A tensor argument with the names of the function and of the argument for error messages. Every
/// check returns the argument or throws, so checks can be chained. `function` and `name` must
/// outlive the object, as string literals do.
class TensorArgument {
 public:
  TensorArgument(const char* function, const char* name, tvm::ffi::TensorView tensor)
      : function_(function), name_(name), tensor_(tensor) {}

  /// Raises ValueError if the elements are not in CPU memory.
  const TensorArgument& OnCpu() const {
    const DLDevice device = tensor_.device();
    if (device.device_type != kDLCPU) {
      TVM_FFI_THROW(ValueError) << Where() << "expected a CPU tensor, got one on device type "
                                << static_cast<int>(device.device_type) << ", device "
                                << device.device_id;
    }
    return *this;
  }

  /// Raises TypeError if the elements are neither float32 nor float64.
  const TensorArgument& FloatingPoint() const {
    if (!Is<float>() && !Is<double>()) {
      TVM_FFI_THROW(TypeError) << Where() << "expected dtype float32 or float64, got "
                               << DTypeText(tensor_.dtype());
    }
    return *this;
  }

  /// Raises TypeError if the dtype differs from the dtype of `other`.
  const TensorArgument& SameDTypeAs(const TensorArgument& other) const {
    const DLDataType mine = tensor_.dtype();
    const DLDataType theirs = other.tensor_.dtype();
    if (mine.code != theirs.code || mine.bits != theirs.bits || mine.lanes != theirs.lanes) {
      TVM_FFI_THROW(TypeError) << Where() << "expected dtype " << DTypeText(theirs) << " as in '"
                               << other.name_ << "', got " << DTypeText(mine);
    }
    return *this;
  }

  /// Raises ValueError if the shape differs from the shape of `other`. There is no broadcasting.
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

  /// Raises ValueError if the elements are not contiguous in row-major order.
  const TensorArgument& Contiguous() const {
    // A tensor without elements is contiguous with any strides. TensorView::IsContiguous of
    // apache-tvm-ffi 0.1.9 returns false for some of these tensors.
    if (tensor_.numel() != 0 && !tensor_.IsContiguous()) {
      TVM_FFI_THROW(ValueError) << Where() << "expected a contiguous (row-major) tensor, got shape "
                                << ShapeText(tensor_.shape()) << " with strides "
                                << ShapeText(tensor_.strides()) << " (in elements)";
    }
    return *this;
  }

  /// Raises ValueError if the memory partly overlaps the memory of `other`: an element-wise
  /// function would read elements that it has already written. Identical memory is accepted, so
  /// that functions can work in place. Both tensors must be contiguous.
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

  /// Returns whether the elements have the type `T`, which is float or double.
  template <typename T>
  bool Is() const {
    const DLDataType dtype = tensor_.dtype();
    return dtype.code == kDLFloat && dtype.bits == 8 * sizeof(T) && dtype.lanes == 1;
  }

  /// Returns a pointer to the first element. Raises ValueError if it is not aligned for `T`. The
  /// pointer of a tensor without elements may be null.
  template <typename T>
  T* Data() const {
    if (tensor_.numel() != 0 && Address() % alignof(T) != 0) {
      TVM_FFI_THROW(ValueError) << Where() << "expected data aligned to " << alignof(T) << " bytes";
    }
    return reinterpret_cast<T*>(Address());
  }

  int64_t numel() const { return tensor_.numel(); }

 private:
  // DLPack stores the start of the allocation and the offset of the view separately. byte_offset is
  // always 0 in numpy and PyTorch, but not in other libraries.
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
