#include <stddef.h>
#include <tvm/ffi/c_api.h>

extern int64_t first_step(void);
extern int64_t second_step(void);

TVM_FFI_DLL_EXPORT int __tvm_ffi_add_steps(void* self, const TVMFFIAny* args, int32_t num_args,
                                           TVMFFIAny* result) {
  (void)self;
  if (num_args != 1 || args[0].type_index != kTVMFFIInt) {
    TVMFFIErrorSetRaisedFromCStr("TypeError", "add_steps: expected one int");
    return -1;
  }
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = args[0].v_int64 + first_step() + second_step();
  return 0;
}
