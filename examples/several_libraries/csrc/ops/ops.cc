// SPDX-License-Identifier: Apache-2.0
//
// The library `several_ops`, linked with `several_core`: functions under `several_libraries.ops.`.
#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "several_libraries/convex_hull.h"
#include "several_libraries/polygon.h"

namespace several_libraries {
namespace {

namespace ffi = tvm::ffi;

using Coordinates = std::pair<double, double>;

// Whether a, b, c make a turn to the left.
bool TurnsLeft(Coordinates a, Coordinates b, Coordinates c) {
  return (b.first - a.first) * (c.second - a.second) - (b.second - a.second) * (c.first - a.first) >
         0.0;
}

// Adds one half of the hull, from the first point to the one before the last.
template <typename Iterator>
void AddChain(Iterator begin, Iterator end, ffi::Array<Point>* corners) {
  std::vector<Coordinates> chain;
  for (; begin != end; ++begin) {
    while (chain.size() >= 2 && !TurnsLeft(chain[chain.size() - 2], chain.back(), *begin)) {
      chain.pop_back();
    }
    chain.push_back(*begin);
  }
  for (size_t i = 0; i + 1 < chain.size(); ++i) {
    corners->push_back(Point(chain[i].first, chain[i].second));
  }
}

}  // namespace

Polygon ConvexHull(const Polygon& polygon) {
  std::vector<Coordinates> points;
  for (const Point& corner : polygon->corners) {
    points.emplace_back(corner.get<0>(), corner.get<1>());
  }
  std::sort(points.begin(), points.end());
  ffi::Array<Point> corners;
  AddChain(points.begin(), points.end(), &corners);
  AddChain(points.rbegin(), points.rend(), &corners);
  if (corners.size() < 3) {
    TVM_FFI_THROW(ValueError) << "convex_hull: expected corners that do not all lie on one line";
  }
  return Polygon(std::move(corners));
}

namespace {

double Area(const Polygon& polygon) { return std::abs(SignedArea(polygon)); }

Polygon RegularPolygon(int64_t sides, double radius) {
  constexpr double kTurn = 6.283185307179586;
  ffi::Array<Point> corners;
  for (int64_t i = 0; i < sides; ++i) {
    const double angle = kTurn * static_cast<double>(i) / static_cast<double>(sides);
    corners.push_back(Point(radius * std::cos(angle), radius * std::sin(angle)));
  }
  // Throws, in core, where there are too few.
  return Polygon(std::move(corners));
}

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef()
      .def("several_libraries.ops.area", Area,
           R"(area(polygon)

Return the area of a polygon that does not cross itself.

Parameters
----------
polygon : Polygon
    Its corners may run either way.

Returns
-------
float
    The area.)")
      .def("several_libraries.ops.convex_hull", ConvexHull,
           R"(convex_hull(polygon)

Return the smallest convex polygon around another one.

Parameters
----------
polygon : Polygon
    Any polygon.

Returns
-------
Polygon
    Its corners run counter-clockwise, from the leftmost one.

Raises
------
ValueError
    If all corners lie on one line.)")
      .def("several_libraries.ops.regular_polygon", RegularPolygon,
           R"(regular_polygon(sides, radius)

Return a polygon with equal sides and angles around the origin.

Parameters
----------
sides : int
    How many, 3 or more.
radius : float
    How far the corners are from the origin.

Returns
-------
Polygon
    Its first corner is ``(radius, 0)``.

Raises
------
ValueError
    If ``sides`` is less than 3 or ``radius`` is not finite.)");
}

}  // namespace
}  // namespace several_libraries
