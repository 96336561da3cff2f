#include <tvm/ffi/tvm_ffi.h>

#include <string>

#ifndef HAS_LOWER
#error "the option WITH_LOWER is on"
#endif

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef().def("dynamic_pkg.lower",
                                        []() { return std::string(FEATURE_LOWER); });
}
