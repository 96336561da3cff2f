// SPDX-License-Identifier: Apache-2.0
//
// The library `several_core`: the class `several_libraries.core.Polygon`.
#include "several_libraries/polygon.h"

#include <cmath>
#include <cstddef>
#include <utility>

namespace several_libraries {

PolygonObj::PolygonObj(tvm::ffi::Array<Point> corners) : corners(std::move(corners)) {
  if (this->corners.size() < 3) {
    TVM_FFI_THROW(ValueError) << "Polygon: argument 'corners': expected 3 or more, got "
                              << this->corners.size();
  }
  for (const Point& corner : this->corners) {
    const double x = corner.get<0>();
    const double y = corner.get<1>();
    if (!std::isfinite(x) || !std::isfinite(y)) {
      TVM_FFI_THROW(ValueError) << "Polygon: argument 'corners': expected finite numbers, got ("
                                << x << ", " << y << ")";
    }
  }
}

double SignedArea(const Polygon& polygon) {
  double twice = 0.0;
  Point previous = polygon->corners.back();
  for (const Point& corner : polygon->corners) {
    twice += previous.get<0>() * corner.get<1>() - corner.get<0>() * previous.get<1>();
    previous = corner;
  }
  return 0.5 * twice;
}

namespace {

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<PolygonObj>()
      .def_ro("corners", &PolygonObj::corners, "The corners, in the order they were given in.")
      .def(refl::init<tvm::ffi::Array<Point>>(),
           R"(Polygon(corners)

A polygon, which does not change.

Parameters
----------
corners : Sequence[tuple[float, float]]
    Three or more points with finite coordinates.

Raises
------
ValueError
    If there are fewer, or one is not finite.)");
}

}  // namespace
}  // namespace several_libraries
