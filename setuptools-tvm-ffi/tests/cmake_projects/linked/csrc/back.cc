#include <counter.h>
#include <tvm/ffi/tvm_ffi.h>

#include <string>

const char* greeting();

static int64_t CountCall() { return count_call(); }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(back_count, CountCall)

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef().def("linked_pkg.back.greet",
                                        []() { return std::string(greeting()); });
}
