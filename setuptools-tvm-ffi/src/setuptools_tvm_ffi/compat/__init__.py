# SPDX-License-Identifier: Apache-2.0
"""Tests a wheel against released versions of apache-tvm-ffi.

The ABI floor of a library is recorded at build time. Only a test shows whether the library works
with older or newer releases. Each release is tested in a temporary environment and in a
child process. If the child crashes, the crash is the result of the test.
"""

from __future__ import annotations
