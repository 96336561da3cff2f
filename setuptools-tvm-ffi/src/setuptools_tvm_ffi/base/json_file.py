# SPDX-License-Identifier: Apache-2.0
"""Reads the JSON files that a build keeps for the next build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_object(file: Path) -> dict[str, Any]:
    """Return the JSON object in a file; ``{}`` if the file is missing, unreadable or corrupt.

    A file that contains other valid JSON, such as a list, counts as corrupt.
    """
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
