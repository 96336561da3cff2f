# SPDX-License-Identifier: Apache-2.0
"""Translates the build files for CMake and scikit-build-core to settings of this plugin."""
