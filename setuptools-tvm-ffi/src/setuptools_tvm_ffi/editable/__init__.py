# SPDX-License-Identifier: Apache-2.0
"""Editable installs with rebuild on import: the import hook, and what an install carries."""
