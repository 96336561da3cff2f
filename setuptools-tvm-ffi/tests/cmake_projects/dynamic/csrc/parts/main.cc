#include <rounding.h>
#include <table.h>
#include <tvm/ffi/tvm_ffi.h>

#include <string>

#if PART_FIRST != 1 || PART_SECOND != 2 || MODE != 1 || defined(HAS_EXTRA)
#error "definitions are missing"
#endif

static int64_t Rounded(int64_t index) { return round_up(kTable[index % 4], 10); }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(rounded, Rounded)

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef()
      .def("dynamic_pkg.platform", []() { return std::string(PLATFORM); })
      .def("dynamic_pkg.version", []() { return std::string(VERSION); });
}
