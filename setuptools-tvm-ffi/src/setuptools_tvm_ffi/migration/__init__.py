# SPDX-License-Identifier: Apache-2.0
"""Translates a project that builds with CMake and scikit-build-core to settings of this plugin."""
