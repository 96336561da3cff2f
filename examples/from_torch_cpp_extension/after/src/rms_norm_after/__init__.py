# SPDX-License-Identifier: Apache-2.0
"""RMS normalisation, for PyTorch and anything else that supports DLPack."""
