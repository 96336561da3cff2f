#include <tvm/ffi/tvm_ffi.h>

#include <string>

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef().def("kernels_pkg.kernel_name",
                                        []() { return std::string("DoubleKernel"); });
}
