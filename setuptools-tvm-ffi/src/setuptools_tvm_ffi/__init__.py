# SPDX-License-Identifier: Apache-2.0
"""A setuptools plugin that builds ``py3-none`` wheels with libraries for the TVM-FFI ABI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .plugin.extension import TVMFFIExtension

__all__ = ["TVMFFIExtension", "__version__"]


def __getattr__(name: str) -> object:
    # Import the extension class on first use: its module imports setuptools, and `doctor` must work
    # without setuptools.
    if name == "TVMFFIExtension":
        from .plugin.extension import TVMFFIExtension  # noqa: PLC0415 - see above

        return TVMFFIExtension
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
