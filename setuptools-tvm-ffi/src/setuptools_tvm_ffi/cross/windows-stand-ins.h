/* SPDX-License-Identifier: Apache-2.0
 *
 * When Zig compiles for Windows, the option -include includes this header before all others.
 *
 * memory.h of apache-tvm-ffi (0.1.8 to 0.1.15) assumes that every compiler except Microsoft's has
 * posix_memalign. memory.h calls it for alignments above that of max_align_t. The C run time of
 * Windows has no aligned allocation that free() can release. This function therefore always fails,
 * and the caller throws std::bad_alloc.
 */
#ifndef SETUPTOOLS_TVM_FFI_WINDOWS_STAND_INS_H_
#define SETUPTOOLS_TVM_FFI_WINDOWS_STAND_INS_H_

#include <errno.h>
#include <stddef.h>

static inline int posix_memalign(void** memory, size_t alignment, size_t size) {
  (void)memory;
  (void)alignment;
  (void)size;
  return ENOMEM;
}

#endif /* SETUPTOOLS_TVM_FFI_WINDOWS_STAND_INS_H_ */
