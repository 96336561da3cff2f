# SPDX-License-Identifier: Apache-2.0
"""The JSON schema of ``[tool.setuptools-tvm-ffi]``, for editors and ``validate-pyproject``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("pyproject.schema.json")


def tool_schema(tool_name: str = "setuptools-tvm-ffi") -> dict[str, Any]:
    """Return the JSON schema of the plugin's table.

    This function is an entry point of the group ``validate_pyproject.tool_schema``:
    https://validate-pyproject.readthedocs.io/en/latest/dev-guide.html
    """
    del tool_name
    schema: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return schema
