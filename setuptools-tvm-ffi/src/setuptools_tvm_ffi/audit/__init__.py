# SPDX-License-Identifier: Apache-2.0
"""Check finished wheels for defects that cause failures on users' machines."""

from __future__ import annotations
