# SPDX-License-Identifier: Apache-2.0
"""Numbers, text and streaming statistics, computed in C and C++ through TVM-FFI.

What is here comes from one shared library that knows nothing of Python:

* ``smoothstep``, ``scale`` and ``adler32`` are symbols that the library exports. They are found by
  name in ``LIB`` when they are used; ``LIB.get_function_doc("scale")`` returns what they document.
* The other functions are global functions that the library registers when it is loaded.
* ``Accumulator``, ``WeightedAccumulator`` and ``Series`` are classes that it registers.
* ``stats`` is a package of its own, for names registered below ``my_ffi_extension.stats.``.

``python -m my_ffi_extension`` shows all of it at work.

Between the ``tvm-ffi-stubgen`` lines below and in ``_ffi_api.py`` everything is generated from the
library. Outside of them these files are written by hand, and regenerating leaves that alone.
"""

from typing import TYPE_CHECKING, Final

from . import _ffi_api, stats

# The generated block extends this list with the names that it re-exports.
__all__ = ["adler32", "scale", "smoothstep", "stats"]
if TYPE_CHECKING:
    # No type checker follows that, so that each name stands here once more; stubtest compares them.
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

# Typed by `_ffi_api.pyi`, as everything that is generated.
adler32: Final = _ffi_api.LIB.adler32
scale: Final = _ffi_api.LIB.scale
smoothstep: Final = _ffi_api.LIB.smoothstep
