// SPDX-License-Identifier: Apache-2.0
//
// Traits for `def_ro` and `def_rw` that apache-tvm-ffi has under a name only in newer releases.
#ifndef MY_FFI_EXTENSION_FIELD_TRAITS_H_
#define MY_FFI_EXTENSION_FIELD_TRAITS_H_

#include <tvm/ffi/reflection/registry.h>

#include <cstdint>

namespace my_ffi_extension {

/// Marks a field that the constructor does not take.
///
/// tvm-ffi-stubgen writes the `__init__` of a class from its fields, not from `refl::init<...>`.
/// So a field that is not a parameter of the constructor has to say so, and the others have to come
/// in the order of the parameters; otherwise type checkers are told a signature that does not
/// exist. The same as `refl::init(false)`, which the headers of 0.1.9 lack; there the flag does
/// nothing.
inline tvm::ffi::reflection::AttachFieldFlag NotInConstructor() {
  constexpr int32_t kInitOff = 1 << 9;  // kTVMFFIFieldFlagBitMaskInitOff
  return tvm::ffi::reflection::AttachFieldFlag(kInitOff);
}

}  // namespace my_ffi_extension

#endif  // MY_FFI_EXTENSION_FIELD_TRAITS_H_
