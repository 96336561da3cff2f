# SPDX-License-Identifier: Apache-2.0
"""Functions over polygons; the build adds what the library `several_ops` registers."""
