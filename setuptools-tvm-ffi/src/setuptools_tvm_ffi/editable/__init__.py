# SPDX-License-Identifier: Apache-2.0
"""Editable installs that rebuild on import: the import hook, its record and its build tools."""
