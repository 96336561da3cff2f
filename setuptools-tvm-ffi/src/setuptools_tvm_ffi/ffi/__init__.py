# SPDX-License-Identifier: Apache-2.0
"""Code for apache-tvm-ffi: releases, headers, loading of libraries, and type schemas."""
