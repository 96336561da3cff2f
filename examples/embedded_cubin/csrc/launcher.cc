// SPDX-License-Identifier: Apache-2.0
//
// The function `embedded_cubin.scale`, which launches the embedded kernel.
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/extra/cuda/cubin_launcher.h>
#include <tvm/ffi/tvm_ffi.h>

#include <cstdint>

// The name is that of the entry of `embed` in pyproject.toml.
TVM_FFI_EMBED_CUBIN(env);

namespace {

namespace ffi = tvm::ffi;

void Check(const char* name, const ffi::TensorView& tensor) {
  const DLDataType dtype = tensor.dtype();
  if (dtype.code != kDLFloat || dtype.bits != 32 || dtype.lanes != 1) {
    TVM_FFI_THROW(TypeError) << "argument '" << name << "': expected dtype float32";
  }
  if (tensor.ndim() != 1 || !tensor.IsContiguous()) {
    TVM_FFI_THROW(ValueError) << "argument '" << name << "': expected a contiguous vector";
  }
  if (tensor.device().device_type != kDLCUDA) {
    TVM_FFI_THROW(ValueError) << "argument '" << name << "': expected a tensor on a CUDA device";
  }
}

void Scale(double factor, ffi::TensorView x, ffi::TensorView y) {
  Check("x", x);
  Check("y", y);
  int64_t n = x.size(0);
  if (y.size(0) != n) TVM_FFI_THROW(ValueError) << "argument 'y': expected the size of 'x'";
  if (n == 0) return;
  // The first call loads the code of this GPU's architecture.
  static auto kernel = TVM_FFI_EMBED_CUBIN_GET_KERNEL(env, "scale");
  auto data = [](const ffi::TensorView& tensor) {
    return static_cast<char*>(tensor.data_ptr()) + tensor.byte_offset();
  };
  void* from = data(x);
  void* to = data(y);
  float by = static_cast<float>(factor);
  void* arguments[] = {&from, &to, &by, &n};
  const DLDevice device = x.device();
  auto stream = static_cast<ffi::cuda_api::StreamHandle>(
      TVMFFIEnvGetStream(device.device_type, device.device_id));
  const ffi::dim3 grid(static_cast<unsigned>((n + 255) / 256));
  TVM_FFI_CHECK_CUBIN_LAUNCHER_CUDA_ERROR(kernel.Launch(arguments, grid, ffi::dim3(256), stream));
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef().def(
      "embedded_cubin.scale", Scale, "scale(factor, x, y)\n\nCompute y = factor * x on the GPU.");
}
