#include "register.h"

static int Scale(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)self;
  (void)num_args;
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = args[0].v_int64 * args[1].v_int64;
  return 0;
}

__attribute__((constructor)) static void RegisterScale(void) {
  Register("described_pkg.scale", Scale, INT_OF(INT "," INT),
           "scale(value, factor)\n\nMultiply two numbers.");
}
