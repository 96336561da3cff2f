#include <include/sum.h>
#include <string.h>
#include <tvm/ffi/c_api.h>

extern long generated_sum(void);
extern const int in_preprocessed, in_plain;
extern const char __tvm_ffi__cubin_blob[], __tvm_ffi__cubin_blob_end[];

#define RETURN(name, value)                                                             \
  TVM_FFI_DLL_EXPORT int __tvm_ffi_##name(void* self, const TVMFFIAny* args, int32_t n, \
                                          TVMFFIAny* result) {                          \
    (void)self, (void)args, (void)n;                                                    \
    result->type_index = kTVMFFIInt;                                                    \
    result->zero_padding = 0;                                                           \
    result->v_int64 = (value);                                                          \
    return 0;                                                                           \
  }

RETURN(sum, generated_sum())
RETURN(sum_in_header, SUM)
RETURN(preprocessed, in_preprocessed)
RETURN(plain, in_plain)
RETURN(embedded_size, __tvm_ffi__cubin_blob_end - __tvm_ffi__cubin_blob)
RETURN(embedded_character, __tvm_ffi__cubin_blob[0])
