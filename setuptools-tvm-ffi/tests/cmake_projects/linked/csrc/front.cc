#include <counter.h>
#include <tiny.h>
#include <tvm/ffi/tvm_ffi.h>

#ifndef USES_CORE
#error "the definition of the interface of core is missing"
#endif

static int64_t CountCall() { return count_call(); }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(front_count, CountCall)

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef().def("linked_pkg.front.next",
                                        []() -> int64_t { return tiny_next(); });
}
