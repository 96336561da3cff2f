/* SPDX-License-Identifier: Apache-2.0
 *
 * Exported symbols `LIB.dot` and `LIB.describe`, over the stable C ABI of <tvm/ffi/c_api.h>. There
 * is no C++ in here: no runtime of it is linked, no exception passes, and a compiler for C is all
 * that a build needs.
 *
 * A function `name` is the symbol `__tvm_ffi_name`. It looks at the types of its arguments, takes
 * the values out, stores its result and returns 0; or it sets an error and returns -1.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <tvm/ffi/c_api.h>

/* The library copies the message, so that a buffer on the stack will do. */
static int fail(const char* kind, const char* message) {
  TVMFFIErrorSetRaisedFromCStr(kind, message);
  return -1;
}

static int check_count(const char* function, int32_t expected, int32_t count) {
  char message[128];
  if (count == expected) return 0;
  snprintf(message, sizeof(message), "%s: expected %" PRId32 " arguments, got %" PRId32, function,
           expected, count);
  return fail("TypeError", message);
}

/* A tensor comes as an object with a reference count, or as a view that the caller owns. */
static const DLTensor* get_tensor(const TVMFFIAny* value) {
  switch (value->type_index) {
    case kTVMFFITensor:
      /* What the object holds follows its header; the accessor in c_api.h is for C++ only. */
      return (const DLTensor*)((const char*)value->v_obj + sizeof(TVMFFIObject));
    case kTVMFFIDLTensorPtr:
      return (const DLTensor*)value->v_ptr;
    default:
      return NULL;
  }
}

/* A vector of float64 in the processor's memory. Its stride may be anything, also negative. */
struct vector {
  const double* data;
  int64_t size;
  int64_t stride;
};

static int get_vector(const char* function, const char* name, const TVMFFIAny* value,
                      struct vector* vector) {
  char message[160];
  const DLTensor* tensor = get_tensor(value);
  const char* expected = NULL;
  if (tensor == NULL) {
    expected = "a tensor";
  } else if (tensor->dtype.code != kDLFloat || tensor->dtype.bits != 64 ||
             tensor->dtype.lanes != 1) {
    expected = "float64 elements";
  }
  if (expected != NULL) {
    snprintf(message, sizeof(message), "%s: argument '%s': expected %s", function, name, expected);
    return fail("TypeError", message);
  }
  if (tensor->device.device_type != kDLCPU) {
    snprintf(message, sizeof(message), "%s: argument '%s': expected a tensor on the CPU", function,
             name);
    return fail("ValueError", message);
  }
  if (tensor->ndim != 1) {
    snprintf(message, sizeof(message), "%s: argument '%s': expected 1 axis, got %" PRId32, function,
             name, tensor->ndim);
    return fail("ValueError", message);
  }
  vector->size = tensor->shape[0];
  vector->stride = tensor->strides == NULL ? 1 : tensor->strides[0];
  vector->data = NULL;
  if (vector->size > 0) {
    const char* first = (const char*)tensor->data + tensor->byte_offset;
    if ((uintptr_t)first % sizeof(double) != 0) {
      snprintf(message, sizeof(message), "%s: argument '%s': expected data aligned to 8 bytes",
               function, name);
      return fail("ValueError", message);
    }
    vector->data = (const double*)first;
  }
  return 0;
}

/* dot(x, y) -> float */
TVM_FFI_DLL_EXPORT int __tvm_ffi_dot(void* self, const TVMFFIAny* args, int32_t num_args,
                                     TVMFFIAny* result) {
  struct vector x;
  struct vector y;
  double sum = 0.0;
  int64_t i;
  (void)self;
  if (check_count("dot", 2, num_args) != 0) return -1;
  if (get_vector("dot", "x", &args[0], &x) != 0) return -1;
  if (get_vector("dot", "y", &args[1], &y) != 0) return -1;
  if (x.size != y.size) {
    char message[128];
    snprintf(message, sizeof(message),
             "dot: expected as many elements in 'y' as in 'x', got %" PRId64 " and %" PRId64,
             y.size, x.size);
    return fail("ValueError", message);
  }
  for (i = 0; i < x.size; ++i) sum += x.data[i * x.stride] * y.data[i * y.stride];
  /* The padding belongs to the value: it is compared and hashed with it. */
  result->type_index = kTVMFFIFloat;
  result->zero_padding = 0;
  result->v_float64 = sum;
  return 0;
}

/* describe(x) -> str */
TVM_FFI_DLL_EXPORT int __tvm_ffi_describe(void* self, const TVMFFIAny* args, int32_t num_args,
                                          TVMFFIAny* result) {
  char text[96];
  TVMFFIByteArray bytes;
  const DLTensor* tensor;
  int64_t numel = 1;
  int32_t axis;
  int size;
  (void)self;
  if (check_count("describe", 1, num_args) != 0) return -1;
  tensor = get_tensor(&args[0]);
  if (tensor == NULL) return fail("TypeError", "describe: argument 'x': expected a tensor");
  for (axis = 0; axis < tensor->ndim; ++axis) numel *= tensor->shape[axis];
  size = snprintf(text, sizeof(text), "%" PRId32 " axes, %" PRId64 " elements of %d bits",
                  tensor->ndim, numel, (int)tensor->dtype.bits);
  bytes.data = text;
  bytes.size = (size_t)size;
  /* A new string; whoever takes the result owns it. */
  return TVMFFIStringFromByteArray(&bytes, result);
}
