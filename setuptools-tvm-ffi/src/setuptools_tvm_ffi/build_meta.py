# SPDX-License-Identifier: Apache-2.0
"""The build backend ``setuptools_tvm_ffi.build_meta``: PEP 517 and PEP 660 hooks."""

from __future__ import annotations

import gc

# A frontend runs each hook in a new process, which imports all modules. Garbage collections find
# nothing to free in the imported modules, but would take several per cent of the time of a build
# without changes. Disable them during the import, and then freeze the imported objects, so that
# later collections skip these objects.
_collects = gc.isenabled()
gc.disable()
from .plugin.hooks import (  # noqa: E402 - see above
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
if _collects:
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
