# SPDX-License-Identifier: Apache-2.0
"""The build backend ``setuptools_tvm_ffi.build_meta``: PEP 517 and PEP 660 hooks."""

from __future__ import annotations

import gc

# Frontends run each hook in its own process. Garbage collections would find nothing to free in the
# imported modules, but take 8 per cent of the time of a build without changes. Freeze the objects
# of these modules, because collections skip frozen objects.
gc.disable()
from .plugin.hooks import (  # noqa: E402
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

gc.freeze()
gc.enable()

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]
