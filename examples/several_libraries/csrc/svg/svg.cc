// SPDX-License-Identifier: Apache-2.0
//
// The library `several_svg`, linked with the two others: `several_libraries.svg.draw`.
#include <tvm/ffi/tvm_ffi.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "several_libraries/convex_hull.h"
#include "several_libraries/polygon.h"

namespace several_libraries {
namespace {

namespace ffi = tvm::ffi;

std::string Element(const Polygon& polygon, const char* style) {
  std::ostringstream text;
  text << "<polygon style=\"" << style << "\" points=\"";
  const char* separator = "";
  for (const Point& corner : polygon->corners) {
    text << separator << corner.get<0>() << ',' << corner.get<1>();
    separator = " ";
  }
  text << "\"/>";
  return text.str();
}

ffi::String Draw(const Polygon& polygon) {
  const Polygon hull = ConvexHull(polygon);
  double left = hull->corners[0].get<0>();
  double right = left;
  double top = hull->corners[0].get<1>();
  double bottom = top;
  for (const Point& corner : hull->corners) {
    left = std::min(left, corner.get<0>());
    right = std::max(right, corner.get<0>());
    top = std::min(top, corner.get<1>());
    bottom = std::max(bottom, corner.get<1>());
  }
  std::ostringstream text;
  text << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"" << left << ' ' << top << ' '
       << right - left << ' ' << bottom - top << "\"><title>area " << std::abs(SignedArea(polygon))
       << "</title>" << Element(hull, "fill: silver") << Element(polygon, "fill: teal") << "</svg>";
  return ffi::String(text.str());
}

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef().def("several_libraries.svg.draw", Draw,
                        R"(draw(polygon)

Return a drawing of a polygon on top of its convex hull.

Parameters
----------
polygon : Polygon
    What to draw.

Returns
-------
str
    An SVG document.

Raises
------
ValueError
    If all corners lie on one line.)");
}

}  // namespace
}  // namespace several_libraries
