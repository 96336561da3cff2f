// SPDX-License-Identifier: Apache-2.0
//
// The C++ interface of the library `several_ops`.
#ifndef SEVERAL_LIBRARIES_CONVEX_HULL_H_
#define SEVERAL_LIBRARIES_CONVEX_HULL_H_

#include "several_libraries/export.h"
#include "several_libraries/polygon.h"

namespace several_libraries {

/// The smallest convex polygon around all corners, counter-clockwise. ValueError if they all lie
/// on one line.
SEVERAL_OPS_API Polygon ConvexHull(const Polygon& polygon);

}  // namespace several_libraries

#endif  // SEVERAL_LIBRARIES_CONVEX_HULL_H_
