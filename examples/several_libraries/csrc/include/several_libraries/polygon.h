// SPDX-License-Identifier: Apache-2.0
//
// The C++ interface of the library `several_core`.
#ifndef SEVERAL_LIBRARIES_POLYGON_H_
#define SEVERAL_LIBRARIES_POLYGON_H_

#include <tvm/ffi/tvm_ffi.h>

#include <utility>

#include "several_libraries/export.h"

namespace several_libraries {

/// Two coordinates.
using Point = tvm::ffi::Tuple<double, double>;

/// The object, which core registers. What is inline here is compiled into every library that uses
/// it; the type key makes it one type for all of them.
class PolygonObj : public tvm::ffi::Object {
 public:
  tvm::ffi::Array<Point> corners;

  /// ValueError unless there are three corners or more, all finite.
  SEVERAL_CORE_API explicit PolygonObj(tvm::ffi::Array<Point> corners);

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("several_libraries.core.Polygon", PolygonObj, tvm::ffi::Object);
};

/// The reference, never null.
class Polygon : public tvm::ffi::ObjectRef {
 public:
  explicit Polygon(tvm::ffi::Array<Point> corners)
      : ObjectRef(tvm::ffi::make_object<PolygonObj>(std::move(corners))) {}

  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(Polygon, tvm::ffi::ObjectRef, PolygonObj);
};

/// The area; negative where the corners run clockwise.
SEVERAL_CORE_API double SignedArea(const Polygon& polygon);

}  // namespace several_libraries

#endif  // SEVERAL_LIBRARIES_POLYGON_H_
