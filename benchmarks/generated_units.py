# SPDX-License-Identifier: Apache-2.0
"""Writes the sources of the benchmarks: C++ units with realistic registrations, or a CUDA kernel.

A unit registers one class and five functions of tensors, strings and arrays. All units include
one header, and each unit includes the header of its group. A group has as many units as a batch of
a unity build. All names of a unit end with its number, so that units can be compiled in one batch.
"""

from __future__ import annotations

import re
from pathlib import Path

#: The GPU architectures of the CUDA kernel: consumer and data-center GPUs since Turing.
ARCHITECTURES = ("75", "80", "86", "89", "90", "100")

_COMMON = """\
#pragma once
#include <tvm/ffi/tvm_ffi.h>

#include <cmath>
#include <cstdint>

namespace generated {

inline double Blend(double a, double b, double t) { return a + (b - a) * t; }

inline const double* Elements(const tvm::ffi::TensorView& x) {
  if (x.dtype().code != kDLFloat || x.dtype().bits != 64) {
    TVM_FFI_THROW(TypeError) << "expected float64";
  }
  return static_cast<const double*>(x.data_ptr());
}

}  // namespace generated
"""

_GROUP = """\
#pragma once
#include "common.h"

namespace generated {

constexpr double kWeight@ = 0.25 + 0;  // revision

inline double Weighted@(double x) { return Blend(x, std::sqrt(std::fabs(x)), kWeight@); }

}  // namespace generated
"""

_UNIT = """\
#include "group_GROUP.h"

namespace generated {
namespace unit_@ {

namespace ffi = tvm::ffi;

constexpr int64_t kOffset@ = 1 + 0;  // revision

int64_t Add@(int64_t a, int64_t b) { return a + b + kOffset@; }

double Mean@(ffi::Array<double> values) {
  double sum = 0.0;
  for (double value : values) sum += WeightedGROUP(value);
  return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

double Norm@(ffi::TensorView x) {
  const double* data = Elements(x);
  double sum = 0.0;
  for (int64_t i = 0; i < x.size(0); ++i) sum += data[i] * data[i];
  return std::sqrt(sum);
}

void Scale@(ffi::TensorView x, double factor, ffi::TensorView out) {
  if (x.size(0) != out.size(0)) TVM_FFI_THROW(ValueError) << "sizes differ";
  const double* from = Elements(x);
  auto* to = static_cast<double*>(out.data_ptr());
  for (int64_t i = 0; i < x.size(0); ++i) to[i] = from[i] * factor;
}

ffi::String Join@(ffi::Array<ffi::String> words, ffi::String separator) {
  std::string joined;
  for (const ffi::String& word : words) {
    if (!joined.empty()) joined += separator.operator std::string();
    joined += word.operator std::string();
  }
  return joined;
}

class Window@Obj : public ffi::Object {
 public:
  ffi::String name;
  int64_t size;
  ffi::Array<double> values;

  Window@Obj(ffi::String name, int64_t size) : name(name), size(size) {}

  void Push(double value) {
    if (static_cast<int64_t>(values.size()) == size) values.erase(values.begin());
    values.push_back(value);
  }

  double Mean() const { return Mean@(values); }

  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("generated.Window@", Window@Obj, ffi::Object);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef()
      .def("generated.add_@", Add@, "Return the sum and an offset.")
      .def("generated.mean_@", Mean@, "Return the weighted mean.")
      .def("generated.norm_@", Norm@, "Return the Euclidean norm.")
      .def("generated.scale_@", Scale@, "Write the scaled elements to `out`.")
      .def("generated.join_@", Join@, "Join words.");
  refl::ObjectDef<Window@Obj>()
      .def(refl::init<ffi::String, int64_t>())
      .def_ro("name", &Window@Obj::name, "The name.")
      .def_rw("size", &Window@Obj::size, "The number of values that are kept.")
      .def("push", &Window@Obj::Push, "Append a value, and drop the oldest.")
      .def("mean", &Window@Obj::Mean, "Return the weighted mean of the values.");
}

}  // namespace unit_@
}  // namespace generated
"""

_KERNEL = """\
#include <cuda_runtime.h>
#include <tvm/ffi/tvm_ffi.h>

#include <cstdint>

namespace generated {
namespace {

constexpr int kOffset = 1 + 0;  // revision
constexpr int kTile = 32;

// A tiled product of matrices of size n, for several types and epilogues.
template <typename T, typename Epilogue>
__global__ void Product(const T* a, const T* b, T* c, int n, Epilogue epilogue) {
  __shared__ T left[kTile][kTile + 1];
  __shared__ T right[kTile][kTile + 1];
  const int row = blockIdx.y * kTile + threadIdx.y;
  const int column = blockIdx.x * kTile + threadIdx.x;
  T sum = T(0);
  for (int tile = 0; tile < (n + kTile - 1) / kTile; ++tile) {
    const int x = tile * kTile + threadIdx.x;
    const int y = tile * kTile + threadIdx.y;
    left[threadIdx.y][threadIdx.x] = row < n && x < n ? a[row * n + x] : T(0);
    right[threadIdx.y][threadIdx.x] = y < n && column < n ? b[y * n + column] : T(0);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kTile; ++k) sum += left[threadIdx.y][k] * right[k][threadIdx.x];
    __syncthreads();
  }
  if (row < n && column < n) c[row * n + column] = epilogue(sum);
}

struct Identity {
  template <typename T>
  __device__ T operator()(T x) const {
    return x;
  }
};
struct Relu {
  template <typename T>
  __device__ T operator()(T x) const {
    return x > T(0) ? x : T(0);
  }
};
struct Softplus {
  template <typename T>
  __device__ T operator()(T x) const {
    return T(log1p(exp(double(x)))) + T(kOffset);
  }
};

template <typename T>
void Launch(tvm::ffi::TensorView a, tvm::ffi::TensorView b, tvm::ffi::TensorView c, int64_t kind) {
  const int n = static_cast<int>(a.size(0));
  const dim3 threads(kTile, kTile);
  const dim3 blocks((n + kTile - 1) / kTile, (n + kTile - 1) / kTile);
  const auto* x = static_cast<const T*>(a.data_ptr());
  const auto* y = static_cast<const T*>(b.data_ptr());
  auto* z = static_cast<T*>(c.data_ptr());
  if (kind == 0) Product<<<blocks, threads>>>(x, y, z, n, Identity());
  if (kind == 1) Product<<<blocks, threads>>>(x, y, z, n, Relu());
  if (kind == 2) Product<<<blocks, threads>>>(x, y, z, n, Softplus());
}

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef()
      .def("generated.add_0", [](int64_t a, int64_t b) { return a + b + kOffset; })
      .def("generated.product_float", Launch<float>)
      .def("generated.product_double", Launch<double>);
}

}  // namespace
}  // namespace generated
"""

_REVISION = re.compile(r"\+ \d+;  // revision")


def write_units(folder: Path, units: int, group_size: int) -> None:
    """Write C++ sources, and the headers that they include, into a new folder.

    :param group_size: the number of units that include the same header of a group.
    """
    folder.mkdir(parents=True)
    (folder / "common.h").write_text(_COMMON, encoding="utf-8")
    for number in range(units):
        group = number // group_size
        header = folder / f"group_{group}.h"
        header.write_text(_GROUP.replace("@", str(group)), encoding="utf-8")
        # The names sort by number. Otherwise CMake's batches would not be the groups.
        text = _UNIT.replace("GROUP", str(group)).replace("@", str(number))
        (folder / f"unit_{number:03}.cc").write_text(text, encoding="utf-8")


def write_kernel(folder: Path) -> None:
    """Write one CUDA source into a new folder."""
    folder.mkdir(parents=True)
    (folder / "unit_000.cu").write_text(_KERNEL, encoding="utf-8")


def revise(file: Path, revision: int) -> None:
    """Change a constant in a source or header, so that its object files differ."""
    text = file.read_text(encoding="utf-8")
    file.write_text(_REVISION.sub(f"+ {revision};  // revision", text), encoding="utf-8")
