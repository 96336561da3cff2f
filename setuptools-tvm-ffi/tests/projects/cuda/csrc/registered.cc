#include <tvm/ffi/tvm_ffi.h>

#include "kernels.h"
#include "languages.h"

static_assert(__cplusplus == 202002L);

static int64_t RuntimeVersion() { return runtime_version(); }

// A launch of no threads, which fails everywhere: nothing has to be done on a GPU.
static int64_t LaunchNothing() { return add_one(nullptr, 0); }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(runtime_version, RuntimeVersion);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(launch_nothing, LaunchNothing);
