#include <tvm/ffi/tvm_ffi.h>

#include "only_point.h"
#include "shared.h"

struct PointObj : public tvm::ffi::Object {
  double x;
  double y;
  PointObj(double x, double y) : x(x), y(y) {}
  static constexpr bool _type_mutable = true;
  double middle() const { return half(x + y); }
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("small_pkg.Point", PointObj, tvm::ffi::Object);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<PointObj>()
      .def(refl::init<double, double>())
      .def_rw("x", &PointObj::x)
      .def_ro("y", &PointObj::y)
      .def("middle", &PointObj::middle);
}
