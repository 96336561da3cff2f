// SPDX-License-Identifier: Apache-2.0
//
// A function over objects of a class that another package registers and has the Python class of.
#include <tvm/ffi/tvm_ffi.h>

namespace {

namespace ffi = tvm::ffi;

// As small_pkg declares it, which two projects would share in a header.
class PointObj : public ffi::Object {
 public:
  double x;
  double y;
  PointObj(double x, double y) : x(x), y(y) {}
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("small_pkg.Point", PointObj, ffi::Object);
};

class Point : public ffi::ObjectRef {
 public:
  explicit Point(double x, double y) : ObjectRef(ffi::make_object<PointObj>(x, y)) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(Point, ffi::ObjectRef, PointObj);
};

Point Mirror(Point point) { return Point(-point->x, point->y); }

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef().def("uses_other_pkg.mirror", Mirror, "mirror(point)");
}

}  // namespace
