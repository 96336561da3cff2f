// SPDX-License-Identifier: Apache-2.0
//
// Global function `package_headers._kernels.random_walk`.
#include <numpy/random/bitgen.h>
#include <tvm/ffi/tvm_ffi.h>

#include <cstdint>

namespace package_headers {
namespace {

namespace ffi = tvm::ffi;

void RandomWalk(void* generator, ffi::TensorView positions) {
  const DLDataType dtype = positions.dtype();
  if (positions.ndim() != 1 || dtype.code != kDLInt || dtype.bits != 64 || dtype.lanes != 1 ||
      !positions.IsContiguous()) {
    TVM_FFI_THROW(ValueError) << "random_walk: expected a contiguous vector of int64";
  }
  const bitgen_t* bits = static_cast<const bitgen_t*>(generator);
  int64_t* const begin = static_cast<int64_t*>(positions.data_ptr());
  int64_t position = 0;
  for (int64_t step = 0; step < positions.size(0); ++step) {
    position += bits->next_double(bits->state) < 0.5 ? -1 : 1;
    begin[step] = position;
  }
}

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef().def("package_headers._kernels.random_walk", RandomWalk,
                        R"(random_walk(generator, positions)

Fill a vector with the positions of a random walk.

Parameters
----------
generator : ctypes.c_void_p
    The address of NumPy's bitgen_t. The caller holds the lock of the generator.
positions : Tensor
    A contiguous vector of int64.)");
}

}  // namespace
}  // namespace package_headers
