# SPDX-License-Identifier: Apache-2.0
"""Tests a wheel against released versions of apache-tvm-ffi.

A library records its ABI floor, but only a test shows whether it works with older or newer
releases. Each release is tested in a temporary environment and in a child process, so that a crash
is an ordinary result.
"""

from __future__ import annotations
