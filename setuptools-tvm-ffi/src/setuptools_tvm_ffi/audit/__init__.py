# SPDX-License-Identifier: Apache-2.0
"""Looks at finished wheels: what their libraries need, and what would fail on a user's machine."""

from __future__ import annotations
