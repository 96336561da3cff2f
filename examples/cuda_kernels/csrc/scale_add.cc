// SPDX-License-Identifier: Apache-2.0
//
// The global function `cuda_kernels.scale_add`: everything but the kernel.
#include "scale_add.h"

#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

namespace cuda_kernels {
namespace {

namespace ffi = tvm::ffi;

std::string ShapeText(ffi::ShapeView shape) {
  std::ostringstream text;
  text << '(';
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    text << (axis == 0 ? "" : ", ") << shape[axis];
  }
  text << (shape.size() == 1 ? ",)" : ")");
  return text.str();
}

std::string DeviceText(DLDevice device) {
  std::ostringstream text;
  if (device.device_type == kDLCPU) return "the CPU";
  if (device.device_type == kDLCUDA) {
    text << "cuda:" << device.device_id;
  } else {
    text << "DLPack's device type " << static_cast<int>(device.device_type);
  }
  return text.str();
}

// A tensor with the name that its errors mention.
struct Argument {
  const char* name;
  ffi::TensorView tensor;

  std::string Where() const { return std::string("scale_add: argument '") + name + "': "; }

  float* Data() const {
    return reinterpret_cast<float*>(static_cast<char*>(tensor.data_ptr()) + tensor.byte_offset());
  }

  void CheckElements() const {
    const DLDataType dtype = tensor.dtype();
    if (dtype.code != kDLFloat || dtype.bits != 32 || dtype.lanes != 1) {
      TVM_FFI_THROW(TypeError) << Where() << "expected dtype float32, got DLPack's type code "
                               << static_cast<int>(dtype.code) << " with "
                               << static_cast<int>(dtype.bits) << " bits";
    }
    if (!tensor.IsContiguous()) {
      TVM_FFI_THROW(ValueError) << Where() << "expected a contiguous (row-major) tensor";
    }
    if (reinterpret_cast<uintptr_t>(Data()) % sizeof(float) != 0) {
      TVM_FFI_THROW(ValueError) << Where() << "expected data aligned to " << sizeof(float)
                                << " bytes";
    }
  }

  void CheckShapeOf(const Argument& other) const {
    const ffi::ShapeView mine = tensor.shape();
    const ffi::ShapeView theirs = other.tensor.shape();
    if (!std::equal(mine.begin(), mine.end(), theirs.begin(), theirs.end())) {
      TVM_FFI_THROW(ValueError) << Where() << "expected shape " << ShapeText(theirs) << ", got "
                                << ShapeText(mine);
    }
  }

  void CheckOnGpu() const {
    const DLDevice device = tensor.device();
    if (device.device_type != kDLCUDA) {
      TVM_FFI_THROW(ValueError) << Where() << "expected a tensor on a CUDA device, got one on "
                                << DeviceText(device);
    }
  }

  void CheckDeviceOf(const Argument& other) const {
    const DLDevice mine = tensor.device();
    const DLDevice theirs = other.tensor.device();
    if (mine.device_type != theirs.device_type || mine.device_id != theirs.device_id) {
      TVM_FFI_THROW(ValueError) << Where() << "expected a tensor on " << DeviceText(theirs)
                                << " as '" << other.name << "', got one on " << DeviceText(mine);
    }
  }

  // Of the same size. Being the very same memory, which is to work in place, is fine.
  void CheckNotPartOf(const Argument& other) const {
    const auto mine = reinterpret_cast<uintptr_t>(Data());
    const auto theirs = reinterpret_cast<uintptr_t>(other.Data());
    const uintptr_t distance = mine < theirs ? theirs - mine : mine - theirs;
    if (distance != 0 && distance / sizeof(float) < static_cast<uintptr_t>(tensor.numel())) {
      TVM_FFI_THROW(ValueError) << Where() << "overlaps '" << other.name
                                << "' in part; pass the same memory or memory of its own";
    }
  }
};

void ScaleAdd(double scale, ffi::TensorView x_view, ffi::TensorView y_view,
              ffi::TensorView out_view) {
  const Argument x{"x", x_view};
  const Argument y{"y", y_view};
  const Argument out{"out", out_view};
  x.CheckElements();
  y.CheckElements();
  out.CheckElements();
  y.CheckShapeOf(x);
  out.CheckShapeOf(x);
  x.CheckOnGpu();
  y.CheckDeviceOf(x);
  out.CheckDeviceOf(x);
  out.CheckNotPartOf(x);
  out.CheckNotPartOf(y);
  if (x_view.numel() == 0) return;  // CUDA refuses a grid without blocks
  const DLDevice device = x_view.device();
  // What the caller's framework works on: torch.cuda.stream(...) and CUDA graphs are heeded.
  TVMFFIStreamHandle stream = TVMFFIEnvGetStream(device.device_type, device.device_id);
  LaunchScaleAdd(static_cast<float>(scale), x.Data(), y.Data(), out.Data(), x_view.numel(),
                 device.device_id, stream);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef().def("cuda_kernels.scale_add", ScaleAdd,
                        R"(scale_add(scale, x, y, out)

Write ``scale * x + y`` to ``out``, in one pass over the memory.

The kernel is started on the current stream, and not waited for.

Parameters
----------
scale : float
    The factor.
x, y : Tensor
    float32 on one CUDA device, contiguous, of one shape.
out : Tensor
    As ``x``, or ``x`` or ``y`` itself.

Raises
------
TypeError
    If a tensor has another dtype.
ValueError
    If a tensor has another shape, layout or device, or ``out`` overlaps another in part.
RuntimeError
    If CUDA refuses to start the kernel.)");
}

}  // namespace
}  // namespace cuda_kernels
