# SPDX-License-Identifier: Apache-2.0
"""``python -m setuptools_tvm_ffi``: the command ``setuptools-tvm-ffi``."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
