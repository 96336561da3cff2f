# SPDX-License-Identifier: Apache-2.0
"""Build C, C++ and CUDA over the TVM-FFI ABI into one ``py3-none`` wheel, with setuptools."""

from __future__ import annotations

from ._version import __version__
from .plugin.extension import TVMFFIExtension

__all__ = ["TVMFFIExtension", "__version__"]
