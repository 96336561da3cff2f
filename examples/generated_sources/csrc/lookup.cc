// SPDX-License-Identifier: Apache-2.0
//
// Functions over the table that tools/make_table.py generates.
#include <tvm/ffi/tvm_ffi.h>

#include <string>

#include "elements.h"

namespace {

namespace ffi = tvm::ffi;

const Element& Find(const ffi::String& symbol) {
  for (const Element& element : kTable) {
    if (std::string(symbol) == element.symbol) return element;
  }
  TVM_FFI_THROW(ValueError) << "no element has the symbol '" << symbol << "'";
  TVM_FFI_UNREACHABLE();
}

double Mass(const ffi::String& symbol) { return Find(symbol).mass; }

ffi::String Name(const ffi::String& symbol) { return Find(symbol).name; }

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef()
      .def("generated_sources.mass", Mass, "mass(symbol)\n\nReturn the mass of an element.")
      .def("generated_sources.name", Name, "name(symbol)\n\nReturn the name of an element.");
}
