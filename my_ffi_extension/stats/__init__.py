# SPDX-License-Identifier: Apache-2.0
"""Statistics over lists of numbers: ``summary``, ``quantile`` and the class ``Histogram``."""

# Loads the library. Without it nothing is registered yet that the import below could find, and no
# error would say so: the functions would just be missing.
from typing import TYPE_CHECKING

from .. import _ffi_api as _parent  # noqa: F401

if TYPE_CHECKING:
    # What the block below re-exports, for type checkers: none of them follows it.
    __all__ = ["Histogram", "quantile", "summary"]

# tvm-ffi-stubgen(begin): export/_ffi_api
# fmt: off
# isort: off
from ._ffi_api import *  # noqa: F403
from ._ffi_api import __all__ as _ffi_api__all__
if "__all__" not in globals():
    __all__ = []
__all__.extend(_ffi_api__all__)
# isort: on
# fmt: on
# tvm-ffi-stubgen(end)
