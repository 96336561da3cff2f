# SPDX-License-Identifier: Apache-2.0
"""Editable installs with rebuild on import: the import hook, its record and its tools."""
