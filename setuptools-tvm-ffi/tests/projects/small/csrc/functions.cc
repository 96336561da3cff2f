#include <tvm/ffi/tvm_ffi.h>

#include "shared.h"

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef().def("small_pkg.add_shared",
                                        [](int64_t x) { return x + shared_value(); });
}

static int64_t Twice(int64_t x) { return 2 * x; }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(twice, Twice);
