/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads the reference package's library on Windows as Python would, without Python: tvm_ffi.dll
 * first, by its path, then the library that was linked with it. Calls exported symbols with
 * scalars, with a tensor, and with what they refuse.
 */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <tvm/ffi/c_api.h>

typedef int (*Function)(void*, const TVMFFIAny*, int32_t, TVMFFIAny*);
typedef void (*MoveFromRaised)(TVMFFIObjectHandle*);

static int fail(const char* what) {
  printf("%s failed (Windows error %lu)\n", what, (unsigned long)GetLastError());
  return 1;
}

static TVMFFIAny float_value(double value) {
  TVMFFIAny any;
  memset(&any, 0, sizeof(any));
  any.type_index = kTVMFFIFloat;
  any.v_float64 = value;
  return any;
}

static TVMFFIAny tensor_value(DLTensor* tensor) {
  TVMFFIAny any;
  memset(&any, 0, sizeof(any));
  any.type_index = kTVMFFIDLTensorPtr;
  any.v_ptr = tensor;
  return any;
}

static DLTensor vector(double* data, int64_t* shape, int64_t* strides) {
  DLTensor tensor;
  memset(&tensor, 0, sizeof(tensor));
  tensor.data = data;
  tensor.device.device_type = kDLCPU;
  tensor.ndim = 1;
  tensor.dtype.code = kDLFloat;
  tensor.dtype.bits = 64;
  tensor.dtype.lanes = 1;
  tensor.shape = shape;
  tensor.strides = strides;
  return tensor;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  HMODULE runtime = LoadLibraryA(argv[1]);
  if (runtime == NULL) return fail("loading tvm_ffi.dll");
  HMODULE library = LoadLibraryA(argv[2]);
  if (library == NULL) return fail("loading the library");

  Function smoothstep = (Function)(void*)GetProcAddress(library, "__tvm_ffi_smoothstep");
  Function scale = (Function)(void*)GetProcAddress(library, "__tvm_ffi_scale");
  MoveFromRaised move =
      (MoveFromRaised)(void*)GetProcAddress(runtime, "TVMFFIErrorMoveFromRaised");
  if (smoothstep == NULL || scale == NULL || move == NULL) return fail("finding a symbol");

  TVMFFIAny scalars[3] = {float_value(0.0), float_value(1.0), float_value(0.25)};
  TVMFFIAny result;
  memset(&result, 0, sizeof(result));
  int status = smoothstep(NULL, scalars, 3, &result);
  printf("scalars: %d %.5f\n", status, result.v_float64);

  double numbers[4] = {1.0, 2.0, 3.0, 4.0}, scaled[4] = {0.0};
  int64_t shape[1] = {4}, strides[1] = {1};
  DLTensor from = vector(numbers, shape, strides), to = vector(scaled, shape, strides);
  TVMFFIAny tensors[3] = {tensor_value(&from), float_value(2.5), tensor_value(&to)};
  memset(&result, 0, sizeof(result));
  status = scale(NULL, tensors, 3, &result);
  printf("tensors: %d %g %g %g %g\n", status, scaled[0], scaled[1], scaled[2], scaled[3]);

  TVMFFIAny disorder[3] = {float_value(1.0), float_value(0.0), float_value(0.5)};
  memset(&result, 0, sizeof(result));
  status = smoothstep(NULL, disorder, 3, &result);
  TVMFFIObjectHandle raised = NULL;
  move(&raised);
  if (raised == NULL) return fail("taking the error");
  TVMFFIErrorCell* error = (TVMFFIErrorCell*)((char*)raised + sizeof(TVMFFIObject));
  printf("error: %d %.*s: %.*s\n", status, (int)error->kind.size, error->kind.data,
         (int)error->message.size, error->message.data);
  return 0;
}
