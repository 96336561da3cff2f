# SPDX-License-Identifier: Apache-2.0
"""Check finished wheels for defects that would fail on a user's machine."""

from __future__ import annotations
