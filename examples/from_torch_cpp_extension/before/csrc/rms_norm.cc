// SPDX-License-Identifier: Apache-2.0
//
// The function `rms_norm_before.rms_norm`, over PyTorch's C++ interface.
#include <torch/extension.h>

#include "kernel.h"

namespace {

void CheckTensor(const char* name, const at::Tensor& tensor) {
  TORCH_CHECK_VALUE(tensor.device().is_cpu(), "rms_norm: argument '", name,
                    "': expected a CPU tensor, got one on ", tensor.device());
  TORCH_CHECK_TYPE(tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kDouble,
                   "rms_norm: argument '", name, "': expected dtype float32 or float64, got ",
                   tensor.scalar_type());
  TORCH_CHECK_VALUE(tensor.is_contiguous(), "rms_norm: argument '", name,
                    "': expected a contiguous tensor");
}

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  CheckTensor("x", x);
  CheckTensor("weight", weight);
  TORCH_CHECK_TYPE(weight.scalar_type() == x.scalar_type(),
                   "rms_norm: argument 'weight': expected the dtype of 'x'");
  TORCH_CHECK_VALUE(x.dim() >= 1, "rms_norm: argument 'x': expected 1 axis or more, got 0");
  const int64_t columns = x.size(-1);
  TORCH_CHECK_VALUE(weight.dim() == 1 && weight.size(0) == columns,
                    "rms_norm: argument 'weight': expected 1 axis of ", columns,
                    " elements, as many as rows of 'x' have");
  at::Tensor out = at::empty(x.sizes(), x.options());
  if (x.numel() == 0) return out;
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_norm", [&] {
    RmsNormKernel(x.const_data_ptr<scalar_t>(), weight.const_data_ptr<scalar_t>(), eps,
                  out.mutable_data_ptr<scalar_t>(), x.numel() / columns, columns);
  });
  return out;
}

}  // namespace

PYBIND11_MODULE(TORCH_EXTENSION_NAME, module) {
  module.def("rms_norm", &RmsNorm, "Divide rows by their root mean square, times a weight.",
             py::arg("x"), py::arg("weight"), py::arg("eps"));
}
