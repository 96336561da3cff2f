# SPDX-License-Identifier: Apache-2.0
"""Kernels over tensors on an NVIDIA GPU; the build adds what the library registers."""
