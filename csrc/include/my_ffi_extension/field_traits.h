// SPDX-License-Identifier: Apache-2.0
//
// A trait for `def_ro` and `def_rw` that older releases of apache-tvm-ffi do not define.
#ifndef MY_FFI_EXTENSION_FIELD_TRAITS_H_
#define MY_FFI_EXTENSION_FIELD_TRAITS_H_

#include <tvm/ffi/reflection/registry.h>

#include <cstdint>

namespace my_ffi_extension {

/// Marks a field that is not a parameter of the constructor.
///
/// tvm-ffi-stubgen derives the `__init__` of a class from its fields, not from `refl::init<...>`.
/// Mark every field that is not a parameter, and register the other fields in the order of the
/// parameters. Otherwise, type checkers see a wrong signature. The trait is equal to
/// `refl::init(false)`, which the headers of 0.1.9 lack. Release 0.1.9 ignores the flag.
inline tvm::ffi::reflection::AttachFieldFlag NotInConstructor() {
  constexpr int32_t kInitOff = 1 << 9;  // kTVMFFIFieldFlagBitMaskInitOff
  return tvm::ffi::reflection::AttachFieldFlag(kInitOff);
}

}  // namespace my_ffi_extension

#endif  // MY_FFI_EXTENSION_FIELD_TRAITS_H_
