#pragma once

#include <stdlib.h>
#include <string.h>
#include <tvm/ffi/c_api.h>

/* Metadata of a function that returns an integer: a type schema, JSON in a string within JSON. */
#define INT "{\\\"type\\\":\\\"int\\\"}"
#define INT_OF(parameters)                                                    \
  "{\"type_schema\":\"{\\\"type\\\":\\\"ffi.Function\\\",\\\"named_args\\\":" \
  "{\\\"return\\\":[" INT "],\\\"params\\\":[" parameters "]}}\"}"

static inline TVMFFIByteArray Bytes(const char* text) {
  TVMFFIByteArray bytes = {text, strlen(text)};
  return bytes;
}

static inline void Register(const char* name, TVMFFISafeCallType call, const char* metadata,
                            const char* doc) {
  TVMFFIMethodInfo info;
  TVMFFIObjectHandle function = NULL;
  memset(&info, 0, sizeof info);
  if (TVMFFIFunctionCreate(NULL, call, NULL, &function) != 0) abort();
  info.name = Bytes(name);
  info.doc = Bytes(doc);
  info.metadata = Bytes(metadata);
  info.method.type_index = kTVMFFIFunction;
  info.method.v_obj = (TVMFFIObject*)function;
  if (TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0) != 0) abort();
}
