# SPDX-License-Identifier: Apache-2.0
"""Reads a JSON file that an earlier build may have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_object(file: Path) -> dict[str, Any]:
    """Return the JSON object in a file, or ``{}`` if the file is missing, unreadable or corrupt.

    If the JSON is not an object but, for example, a list, the file counts as corrupt.
    """
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
