# SPDX-License-Identifier: Apache-2.0
"""RMS normalisation, for PyTorch."""

import torch  # noqa: F401  # loads the libraries that the next one needs

from ._C import rms_norm

__all__ = ["rms_norm"]
