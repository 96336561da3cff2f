// SPDX-License-Identifier: Apache-2.0
// Allocates as make_object does, with the largest alignment that every allocation has and a larger.
#include <tvm/ffi/memory.h>

#include <cstdint>
#include <cstdio>
#include <new>

int main() {
  for (size_t alignment : {size_t{16}, size_t{64}}) {
    const char* result = "allocated";
    try {
      void* memory = tvm::ffi::detail::AlignedAlloc(256, alignment);
      if (reinterpret_cast<uintptr_t>(memory) % alignment != 0) result = "not aligned";
      tvm::ffi::detail::AlignedFree(memory);
    } catch (const std::bad_alloc&) {
      result = "bad_alloc";
    }
    std::printf("%d: %s\n", static_cast<int>(alignment), result);
  }
  return 0;
}
