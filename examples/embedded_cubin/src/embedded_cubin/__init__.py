# SPDX-License-Identifier: Apache-2.0
"""A CUDA kernel in a library; the build adds the function that launches it."""
