# SPDX-License-Identifier: Apache-2.0
"""Shared libraries as files: read ELF, Mach-O and PE, and derive platform tags."""
