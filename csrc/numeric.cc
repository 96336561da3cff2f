// SPDX-License-Identifier: Apache-2.0
//
// Numbers and tensors: two exported symbols (`LIB.smoothstep`, `LIB.scale`) and the global
// functions `my_ffi_extension.linspace`, `.to_list` and `.integrate`.
#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>

#include "my_ffi_extension/tensor_checks.h"

namespace my_ffi_extension {
namespace {

namespace ffi = tvm::ffi;

double Smoothstep(double edge0, double edge1, double x) {
  if (!(edge0 < edge1)) {
    TVM_FFI_THROW(ValueError) << "smoothstep: expected edge0 < edge1, got " << edge0 << " and "
                              << edge1;
  }
  if (x <= edge0) return 0.0;
  if (x >= edge1) return 1.0;
  const double t = (x - edge0) / (edge1 - edge0);
  return t * t * (3.0 - 2.0 * t);
}

template <typename T>
void ScaleElements(const T* x, double factor, T* out, int64_t numel) {
  // Compute in double and round once, so that a float32 result is the nearest float32 number.
  for (int64_t i = 0; i < numel; ++i) {
    out[i] = static_cast<T>(static_cast<double>(x[i]) * factor);
  }
}

void Scale(ffi::TensorView x_view, double factor, ffi::TensorView out_view) {
  const TensorArgument x("scale", "x", x_view);
  const TensorArgument out("scale", "out", out_view);
  x.OnCpu().FloatingPoint().Contiguous();
  out.OnCpu().SameDTypeAs(x).SameShapeAs(x).Contiguous().SameMemoryOrApartFrom(x);
  if (x.Is<float>()) {
    ScaleElements(x.Data<const float>(), factor, out.Data<float>(), x.numel());
  } else {
    ScaleElements(x.Data<const double>(), factor, out.Data<double>(), x.numel());
  }
}

// Allocates memory for Tensor::FromNDAlloc. The alignment of 64 bytes is the size of a cache line
// and suits vector instructions.
struct CpuAllocator {
  static constexpr std::align_val_t kAlignment{64};

  void AllocData(DLTensor* tensor) {
    const size_t size = std::max<size_t>(ffi::GetDataSize(*tensor), 1);
    tensor->data = ::operator new(size, kAlignment, std::nothrow);
    if (tensor->data == nullptr) {
      TVM_FFI_THROW(MemoryError) << "cannot allocate " << size << " bytes for a tensor";
    }
  }

  void FreeData(DLTensor* tensor) { ::operator delete(tensor->data, kAlignment); }
};

ffi::Tensor Linspace(double start, double stop, int64_t num) {
  constexpr int64_t kMaxElements =
      std::numeric_limits<int64_t>::max() / static_cast<int64_t>(sizeof(double));
  if (num < 0 || num > kMaxElements) {
    TVM_FFI_THROW(ValueError) << "linspace: argument 'num': expected 0 <= num <= " << kMaxElements
                              << ", got " << num;
  }
  if (!std::isfinite(stop - start)) {
    TVM_FFI_THROW(ValueError) << "linspace: expected a finite distance between start and stop, got "
                              << start << " and " << stop;
  }
  ffi::Tensor result = ffi::Tensor::FromNDAlloc(CpuAllocator(), ffi::Shape({num}),
                                                DLDataType{kDLFloat, 64, 1}, DLDevice{kDLCPU, 0});
  double* data = static_cast<double*>(result.data_ptr());
  const double step = num > 1 ? (stop - start) / static_cast<double>(num - 1) : 0.0;
  for (int64_t i = 0; i < num; ++i) {
    data[i] = start + static_cast<double>(i) * step;
  }
  if (num > 1) data[num - 1] = stop;  // without the rounding error of the step
  return result;
}

template <typename T>
ffi::Array<double> ElementsToList(const T* data, int64_t numel) {
  ffi::Array<double> list;
  list.reserve(numel);
  for (int64_t i = 0; i < numel; ++i) {
    list.push_back(static_cast<double>(data[i]));
  }
  return list;
}

ffi::Array<double> ToList(ffi::TensorView x_view) {
  const TensorArgument x("to_list", "x", x_view);
  x.OnCpu().FloatingPoint().Contiguous();
  return x.Is<float>() ? ElementsToList(x.Data<const float>(), x.numel())
                       : ElementsToList(x.Data<const double>(), x.numel());
}

double Integrate(const ffi::TypedFunction<double(double)>& function, double lower, double upper,
                 int64_t panels) {
  // TVM-FFI converts None into a null function instead of rejecting it.
  if (function == nullptr) {
    TVM_FFI_THROW(TypeError) << "integrate: argument 'function': expected a callable, got None";
  }
  if (panels < 1) {
    TVM_FFI_THROW(ValueError) << "integrate: argument 'panels': expected at least 1, got "
                              << panels;
  }
  const double width = (upper - lower) / static_cast<double>(panels);
  double sum = 0.0;
  double left = function(lower);
  for (int64_t i = 0; i < panels; ++i) {
    const double start = lower + static_cast<double>(i) * width;
    const double middle = function(start + 0.5 * width);
    const double right = function(i + 1 == panels ? upper : start + width);
    sum += left + 4.0 * middle + right;
    left = right;
  }
  return sum * width / 6.0;
}

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef()
      .def("my_ffi_extension.linspace", Linspace,
           R"(linspace(start, stop, num=50)

Return ``num`` evenly spaced numbers from ``start`` to ``stop``, both included.

Parameters
----------
start : float
    The first number.
stop : float
    The last number, met exactly. With ``num == 1`` only ``start`` is returned.
num : int
    How many numbers, 0 or more.

Returns
-------
Tensor
    A new float64 tensor of shape ``(num,)`` on the CPU.

Raises
------
ValueError
    If ``num`` is negative or ``stop - start`` is not finite.)")
      .def("my_ffi_extension.to_list", ToList,
           R"(to_list(x, /)

Return the elements of ``x`` in row-major order.

Parameters
----------
x : Tensor
    A contiguous float32 or float64 tensor on the CPU, of any shape.

Returns
-------
Sequence[float]
    As many numbers as ``x`` has elements.)")
      .def("my_ffi_extension.integrate", Integrate,
           R"(integrate(function, lower, upper, panels=100)

Integrate ``function`` from ``lower`` to ``upper`` with Simpson's rule.

Parameters
----------
function : Callable[[float], float]
    What to integrate. It is called ``2 * panels + 1`` times; what it raises is passed on.
lower, upper : float
    The bounds. ``upper < lower`` changes the sign of the result.
panels : int
    How many parabolas to fit, 1 or more.

Returns
-------
float
    The integral, exact (but for rounding) for polynomials up to degree three.)");
}

}  // namespace
}  // namespace my_ffi_extension

TVM_FFI_DLL_EXPORT_TYPED_FUNC(smoothstep, my_ffi_extension::Smoothstep);
TVM_FFI_DLL_EXPORT_TYPED_FUNC_DOC(smoothstep,
                                  R"(smoothstep(edge0, edge1, x, /)

Return 0 below ``edge0``, 1 above ``edge1``, and a smooth step in between.

Parameters
----------
edge0, edge1 : float
    Where the step begins and ends.
x : float
    Where to evaluate it.

Returns
-------
float
    ``t * t * (3 - 2 * t)`` for ``t = (x - edge0) / (edge1 - edge0)``, between 0 and 1.

Raises
------
ValueError
    Unless ``edge0 < edge1``.)");

TVM_FFI_DLL_EXPORT_TYPED_FUNC(scale, my_ffi_extension::Scale);
TVM_FFI_DLL_EXPORT_TYPED_FUNC_DOC(scale,
                                  R"(scale(x, factor, out)

Write ``factor * x`` into ``out``.

Parameters
----------
x : Tensor
    A contiguous float32 or float64 tensor on the CPU, of any shape.
factor : float
    What to multiply every element by.
out : Tensor
    Where the result goes: same dtype and shape as ``x``, contiguous, on the CPU. It may be ``x``
    itself but must not overlap it in part.

Raises
------
TypeError
    If a dtype is not supported, or the dtypes differ.
ValueError
    If shape, layout, device or memory of an argument does not fit.)");
