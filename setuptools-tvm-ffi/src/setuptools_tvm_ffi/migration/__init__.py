# SPDX-License-Identifier: Apache-2.0
"""Proposes the `pyproject.toml` of a project that builds with CMake and scikit-build-core."""
