# SPDX-License-Identifier: Apache-2.0
"""Drawings of polygons; the build adds what the library `several_svg` registers."""
