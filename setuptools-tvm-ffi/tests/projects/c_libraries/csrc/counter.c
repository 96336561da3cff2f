#include "counter.h"

#include <stddef.h>
#include <tvm/ffi/c_api.h>

static int64_t count = 0;

TVM_FFI_DLL_EXPORT int64_t counter_add(int64_t number) {
  count += number;
  return count;
}

TVM_FFI_DLL_EXPORT int __tvm_ffi_count(void* self, const TVMFFIAny* args, int32_t num_args,
                                       TVMFFIAny* result) {
  (void)self;
  (void)args;
  (void)num_args;
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = count;
  return 0;
}
