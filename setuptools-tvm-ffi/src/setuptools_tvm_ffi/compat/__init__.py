# SPDX-License-Identifier: Apache-2.0
"""Tries a wheel with released versions of apache-tvm-ffi, each in an environment of its own.

A library names its ABI floor; what is older, or newer, nobody knows before it was tried. Each
release gets an environment that is thrown away, and whatever is run there is run in a child
process, so that a crash is a result like any other.
"""

from __future__ import annotations
