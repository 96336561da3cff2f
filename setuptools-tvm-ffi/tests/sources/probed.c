/* SPDX-License-Identifier: Apache-2.0
 *
 * Exports functions that say what they take; each writes its name into a file when it is called. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tvm/ffi/c_api.h>

static void Note(const char* name) {
  FILE* file = fopen(getenv("PROBED_CALLS"), "a");
  if (file == NULL) abort();
  fprintf(file, "%s\n", name);
  fclose(file);
}

static int Nothing(TVMFFIAny* result) {
  memset(result, 0, sizeof *result);
  return 0;
}

static int Refuse(void) {
  TVMFFIErrorSetRaisedFromCStr("ValueError", "there is no device\nand never was");
  return -1;
}

static int Crash(void) {
  /* Without the report that tvm-ffi prints. */
  signal(SIGSEGV, SIG_DFL);
  return raise(SIGSEGV);
}

#define FUNCTION(NAME, WHAT)                                                                       \
  TVM_FFI_DLL_EXPORT int __tvm_ffi_##NAME(void* self, const TVMFFIAny* args, int32_t num_args,     \
                                          TVMFFIAny* result) {                                     \
    (void)self, (void)args, (void)num_args, (void)result;                                          \
    Note(#NAME);                                                                                   \
    return WHAT;                                                                                   \
  }

#define METADATA(NAME, SCHEMA)                                                                     \
  TVM_FFI_DLL_EXPORT int __tvm_ffi__metadata_##NAME(void* self, const TVMFFIAny* args,             \
                                                    int32_t num_args, TVMFFIAny* result) {         \
    static const char kText[] = "{\"type_schema\":\"{\\\"type\\\":\\\"ffi.Function\\\"," SCHEMA    \
                                "}\"}";                                                            \
    TVMFFIByteArray bytes = {kText, sizeof kText - 1};                                             \
    (void)self, (void)args, (void)num_args;                                                        \
    return TVMFFIStringFromByteArray(&bytes, result);                                              \
  }

#define INT "{\\\"type\\\":\\\"int\\\"}"

FUNCTION(ready, Nothing(result))
METADATA(ready, "\\\"named_args\\\":{\\\"return\\\":[" INT "],\\\"params\\\":[]}")
FUNCTION(ready_as_of_old, Nothing(result))
METADATA(ready_as_of_old, "\\\"args\\\":[" INT "]")
FUNCTION(one_parameter, (abort(), 0))
METADATA(one_parameter, "\\\"named_args\\\":{\\\"return\\\":[" INT "],\\\"params\\\":[" INT "]}")
FUNCTION(of_any_kind, (abort(), 0))
METADATA(of_any_kind, "\\\"args\\\":[]")
FUNCTION(untyped, (abort(), 0))
FUNCTION(refusing, Refuse())
METADATA(refusing, "\\\"args\\\":[" INT "]")
FUNCTION(crashing, Crash())
METADATA(crashing, "\\\"args\\\":[" INT "]")
FUNCTION(ending, (exit(3), 0))
METADATA(ending, "\\\"args\\\":[" INT "]")
