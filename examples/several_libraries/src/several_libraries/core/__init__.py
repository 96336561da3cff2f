# SPDX-License-Identifier: Apache-2.0
"""Polygons; the build adds what the library `several_core` registers."""
