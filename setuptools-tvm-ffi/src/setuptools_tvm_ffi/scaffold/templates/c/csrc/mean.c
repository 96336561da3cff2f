#include <stdint.h>
#include <tvm/ffi/c_api.h>

/* `LIB.mean` in Python. To add a function, export another symbol `__tvm_ffi_...` and call it in
 * `src/my_package/__init__.py`. The symbol stores a result and returns 0, or sets an error and
 * returns -1. */
TVM_FFI_DLL_EXPORT int __tvm_ffi_mean(void* self, const TVMFFIAny* args, int32_t num_args,
                                      TVMFFIAny* result) {
  double sum = 0.0;
  int32_t i;
  (void)self;
  if (num_args == 0) {
    TVMFFIErrorSetRaisedFromCStr("ValueError", "mean: expected at least one value");
    return -1;
  }
  for (i = 0; i < num_args; ++i) {
    switch (args[i].type_index) {
      case kTVMFFIFloat:
        sum += args[i].v_float64;
        break;
      case kTVMFFIInt:
        sum += (double)args[i].v_int64;
        break;
      default:
        TVMFFIErrorSetRaisedFromCStr("TypeError", "mean: expected numbers");
        return -1;
    }
  }
  result->type_index = kTVMFFIFloat;
  result->zero_padding = 0;
  result->v_float64 = sum / num_args;
  return 0;
}
