# SPDX-License-Identifier: Apache-2.0
"""apache-tvm-ffi: its releases, its SDK, the child that loads libraries, and type schemas."""
