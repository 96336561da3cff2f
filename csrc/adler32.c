/* SPDX-License-Identifier: Apache-2.0
 *
 * An exported symbol in C: `LIB.adler32` uses only the stable C ABI. The code does by hand what
 * TVM_FFI_DLL_EXPORT_TYPED_FUNC does for a C++ function: it counts the arguments, checks their
 * types, reads their values, and sets the result or the error.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <tvm/ffi/c_api.h>

/* The largest prime below 2**16, and the number of bytes after which 32-bit sums could overflow. */
enum { ADLER_MODULUS = 65521, ADLER_BLOCK = 5552 };

static uint32_t adler32(const unsigned char* data, size_t size, uint32_t start) {
  uint32_t a = start & 0xffff;
  uint32_t b = start >> 16;
  while (size > 0) {
    size_t block = size < ADLER_BLOCK ? size : ADLER_BLOCK;
    size -= block;
    while (block-- > 0) {
      a += *data++;
      b += a;
    }
    a %= ADLER_MODULUS;
    b %= ADLER_MODULUS;
  }
  return (b << 16) | a;
}

/* Bytes have three representations: up to seven bytes inside the value, an object with a reference
 * count, or a view of memory that the caller owns. Returns 0 if the value is not bytes. */
static int get_bytes(const TVMFFIAny* value, TVMFFIByteArray* bytes) {
  switch (value->type_index) {
    case kTVMFFISmallBytes:
      bytes->data = value->v_bytes;
      bytes->size = value->small_str_len;
      return 1;
    case kTVMFFIBytes:
      /* The content follows the header. c_api.h defines the accessor for C++ only. */
      *bytes = *(const TVMFFIByteArray*)((const char*)value->v_obj + sizeof(TVMFFIObject));
      return 1;
    case kTVMFFIByteArrayPtr:
      *bytes = *(const TVMFFIByteArray*)value->v_ptr;
      return 1;
    default:
      return 0;
  }
}

static const char* type_name(int32_t type_index) {
  switch (type_index) {
    case kTVMFFINone:
      return "None";
    case kTVMFFIInt:
      return "int";
    case kTVMFFIBool:
      return "bool";
    case kTVMFFIFloat:
      return "float";
    case kTVMFFIRawStr:
    case kTVMFFISmallStr:
    case kTVMFFIStr:
      return "str";
    case kTVMFFIByteArrayPtr:
    case kTVMFFISmallBytes:
    case kTVMFFIBytes:
      return "bytes";
    default:
      return "an object of another type";
  }
}

/* Sets the error and returns -1, the result of a failed call. TVM-FFI copies the message, so a
 * buffer on the stack suffices. */
static int type_error(const char* argument, const char* expected, const TVMFFIAny* value) {
  char message[160];
  snprintf(message, sizeof(message), "adler32: argument '%s': expected %s, got %s", argument,
           expected, type_name(value->type_index));
  TVMFFIErrorSetRaisedFromCStr("TypeError", message);
  return -1;
}

static int string_result(const char* text, size_t size, TVMFFIAny* result) {
  TVMFFIByteArray bytes;
  bytes.data = text;
  bytes.size = size;
  return TVMFFIStringFromByteArray(&bytes, result);
}

TVM_FFI_DLL_EXPORT int __tvm_ffi_adler32(void* self, const TVMFFIAny* args, int32_t num_args,
                                         TVMFFIAny* result) {
  char message[160];
  TVMFFIByteArray bytes;
  int64_t start;
  (void)self;
  if (num_args != 2) {
    snprintf(message, sizeof(message), "adler32: expected 2 arguments (data, start), got %" PRId32,
             num_args);
    TVMFFIErrorSetRaisedFromCStr("TypeError", message);
    return -1;
  }
  if (!get_bytes(&args[0], &bytes)) return type_error("data", "bytes", &args[0]);
  if (args[1].type_index != kTVMFFIInt) return type_error("start", "int", &args[1]);
  start = args[1].v_int64;
  if (start < 0 || start > (int64_t)UINT32_MAX) {
    snprintf(message, sizeof(message),
             "adler32: argument 'start': expected 0 <= start < 2**32, got %" PRId64, start);
    TVMFFIErrorSetRaisedFromCStr("ValueError", message);
    return -1;
  }
  /* Comparisons and hashes of a value include the padding, so set it to zero. */
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = adler32((const unsigned char*)bytes.data, bytes.size, (uint32_t)start);
  return 0;
}

#if defined(TVM_FFI_DLL_EXPORT_INCLUDE_METADATA) && TVM_FFI_DLL_EXPORT_INCLUDE_METADATA
/* The results of `LIB.get_function_metadata("adler32")` and `LIB.get_function_doc("adler32")`. */
static const char kMetadata[] =
    "{\"type_schema\":\"{\\\"type\\\":\\\"ffi.Function\\\",\\\"args\\\":[{\\\"type\\\":\\\"int\\\"}"
    ","
    "{\\\"type\\\":\\\"ffi.Bytes\\\"},{\\\"type\\\":\\\"int\\\"}]}\"}";

static const char kDoc[] =
    "adler32(data, start=1)\n"
    "\n"
    "Return the Adler-32 checksum of ``data`` (RFC 1950).\n"
    "\n"
    "Parameters\n"
    "----------\n"
    "data : bytes\n"
    "    What to add to the checksum.\n"
    "start : int\n"
    "    1 for a new checksum, the last result to continue one.\n"
    "\n"
    "Returns\n"
    "-------\n"
    "int\n"
    "    The checksum, from 0 to ``2**32 - 1``.\n"
    "\n"
    "Raises\n"
    "------\n"
    "TypeError\n"
    "    If an argument is of another type.\n"
    "ValueError\n"
    "    If ``start`` is out of range.";

TVM_FFI_DLL_EXPORT int __tvm_ffi__metadata_adler32(void* self, const TVMFFIAny* args,
                                                   int32_t num_args, TVMFFIAny* result) {
  (void)self;
  (void)args;
  (void)num_args;
  return string_result(kMetadata, sizeof(kMetadata) - 1, result);
}

TVM_FFI_DLL_EXPORT int __tvm_ffi__doc_adler32(void* self, const TVMFFIAny* args, int32_t num_args,
                                              TVMFFIAny* result) {
  (void)self;
  (void)args;
  (void)num_args;
  return string_result(kDoc, sizeof(kDoc) - 1, result);
}
#endif
