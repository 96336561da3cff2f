# SPDX-License-Identifier: Apache-2.0
"""Wheels and sdists as files: open wheels, check RECORD, pack sdists."""
