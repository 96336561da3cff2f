# SPDX-License-Identifier: Apache-2.0
"""Numbers, text and streaming statistics, computed in C and C++ through TVM-FFI.

One shared library implements everything. It does not use the Python C API.

* ``smoothstep``, ``scale`` and ``adler32`` are exported symbols of the library. ``LIB`` finds them
  by name. ``LIB.get_function_doc("scale")`` returns the documentation of a symbol.
* The other functions are global functions. The library registers them when it is loaded.
* ``Accumulator``, ``WeightedAccumulator`` and ``Series`` are classes that the library registers.
* ``stats`` is a subpackage for names that are registered under ``my_ffi_extension.stats.``.

``python -m my_ffi_extension`` calls every function and class once.

The blocks between ``tvm-ffi-stubgen`` comments, here and in ``_ffi_api.py``, are generated from the
library. Code outside of these blocks is handwritten. The generator does not change it.
"""

from typing import TYPE_CHECKING, Final

from . import _ffi_api, stats

# The generated block extends this list with the names that it re-exports.
__all__ = ["adler32", "scale", "smoothstep", "stats"]
if TYPE_CHECKING:
    # Type checkers do not follow `__all__.extend`, so list the re-exported names here. stubtest
    # compares this list with the names at run time.
    __all__ += [
        "LIB",
        "Accumulator",
        "Series",
        "WeightedAccumulator",
        "find_prefix",
        "format_duration",
        "hex_decode",
        "hex_encode",
        "integrate",
        "join",
        "linspace",
        "most_common",
        "parse_duration",
        "tally",
        "to_list",
    ]

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

# `_ffi_api.pyi` declares the types of these functions.
adler32: Final = _ffi_api.LIB.adler32
scale: Final = _ffi_api.LIB.scale
smoothstep: Final = _ffi_api.LIB.smoothstep
