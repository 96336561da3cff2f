# SPDX-License-Identifier: Apache-2.0
"""Statistics over lists of numbers: ``summary``, ``quantile`` and the class ``Histogram``."""

# The import of `_parent` loads the library, which registers the functions. Without this import, the
# generated block below would find no functions and raise no error.
from typing import TYPE_CHECKING

from .. import _ffi_api as _parent  # noqa: F401

if TYPE_CHECKING:
    # Type checkers do not follow `__all__.extend` below, so list the re-exported names here.
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
