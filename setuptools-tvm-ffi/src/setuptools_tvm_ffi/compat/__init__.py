# SPDX-License-Identifier: Apache-2.0
"""Tests a wheel against released versions of apache-tvm-ffi.

A build records the ABI floor of a library, but does not test the library with other releases. Only
a test shows whether the library works with older or newer releases. Each release is tested in a
child process, which runs in a temporary environment. If the child crashes, the crash is the result
of the test.
"""

from __future__ import annotations
