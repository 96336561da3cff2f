# SPDX-License-Identifier: Apache-2.0
"""Lets ``python -m setuptools_tvm_ffi`` run the command ``setuptools-tvm-ffi``."""

from __future__ import annotations

import os
import sys

# `python -m` adds the current folder to sys.path. Remove this entry, so that modules in the folder
# do not shadow installed modules.
sys.path[:] = [entry for entry in sys.path if entry not in {"", os.getcwd()}]

from .cli import main  # noqa: E402 - see above

if __name__ == "__main__":
    sys.exit(main())
