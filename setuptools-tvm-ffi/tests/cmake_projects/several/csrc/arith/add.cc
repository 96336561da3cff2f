#include <several.h>
#include <tvm/ffi/tvm_ffi.h>

#include <concepts>
#include <string>

#include "arith/scale.h"
#include "scale.h"

#if !defined(FINAL) || defined(CHECKS)
#error "these are the definitions of another configuration"
#endif

namespace {

template <std::integral T>
T AddOffset(T value) {
  return value + OFFSET + kBase;
}

}  // namespace

TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_offset, [](int64_t value) { return AddOffset(value); })

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef()
      .def("several.arith.scale", [](int64_t value) -> int64_t { return scale_by_three(value); })
      .def("several.arith.name", []() { return std::string(NAME); });
}
