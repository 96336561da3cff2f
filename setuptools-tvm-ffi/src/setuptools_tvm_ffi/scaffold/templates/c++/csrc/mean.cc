#include <tvm/ffi/tvm_ffi.h>

namespace {

namespace ffi = tvm::ffi;

double Mean(const ffi::Array<double>& values) {
  if (values.empty()) {
    TVM_FFI_THROW(ValueError) << "mean: expected at least one value";
  }
  double sum = 0.0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// The build adds each function that is registered here to the Python package `my_package`, with its
// types and this docstring. To add a function, write it above and add another `.def(...)`.
TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef().def("my_package.mean", Mean,
                        R"(mean(values)

Return the arithmetic mean.

Parameters
----------
values : Sequence[float]
    At least one number.

Raises
------
ValueError
    If there are no values.)");
}

}  // namespace
