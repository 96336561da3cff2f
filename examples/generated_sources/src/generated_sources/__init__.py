# SPDX-License-Identifier: Apache-2.0
"""A table of elements; the build adds the functions that the library registers."""
