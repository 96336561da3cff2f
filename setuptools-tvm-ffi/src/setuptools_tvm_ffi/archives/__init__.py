# SPDX-License-Identifier: Apache-2.0
"""Wheels and sdists as files: open them, compare their RECORD, pack them."""
