// SPDX-License-Identifier: Apache-2.0
//
// The workload `one-file` of import_check.py: about as much as a first TVM-FFI library has, two
// global functions, one of which raises, one exported function and one class.
#include <tvm/ffi/function.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/reflection/registry.h>

#include <cstdint>

namespace bench_one_file {
namespace {

namespace ffi = tvm::ffi;

int64_t Triple(int64_t x) { return 3 * x; }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(triple, Triple)

int64_t Half(int64_t x) { return x / 2; }

void Refuse(const ffi::String& reason) { TVM_FFI_THROW(ValueError) << "refused: " << reason; }

class RectangleObj : public ffi::Object {
 public:
  int64_t width;
  int64_t height;

  RectangleObj(int64_t width, int64_t height) : width(width), height(height) {}

  int64_t Area() const { return width * height; }

  // Without this, reflection registers no writable field.
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("bench_one_file.Rectangle", RectangleObj, ffi::Object);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef().def("bench_one_file.half", Half).def("bench_one_file.refuse", Refuse);
  refl::ObjectDef<RectangleObj>()
      .def(refl::init<int64_t, int64_t>())
      .def_rw("width", &RectangleObj::width, "from left to right")
      .def_rw("height", &RectangleObj::height, "from bottom to top")
      .def("area", &RectangleObj::Area, "Return width times height.");
}

}  // namespace
}  // namespace bench_one_file
