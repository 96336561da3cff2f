# SPDX-License-Identifier: Apache-2.0
"""The JSON schema of ``[tool.setuptools-tvm-ffi]``, for editors and ``validate-pyproject``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from .declaration import key_of
from .model import ProjectSettings, settings_of

FILE = Path(__file__).with_name("pyproject.schema.json")


def tool_schema(tool_name: str = "setuptools-tvm-ffi") -> dict[str, Any]:
    """Return the schema file: the entry point ``validate_pyproject.tool_schema``.

    https://validate-pyproject.readthedocs.io/en/latest/dev-guide.html
    """
    del tool_name
    schema: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return schema


def make_schema() -> dict[str, Any]:
    """Generate the schema (JSON Schema draft 7) from the settings."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://json.schemastore.org/partial-setuptools-tvm-ffi.json",
        "title": "Settings of setuptools-tvm-ffi",
        **_table(ProjectSettings),
    }


def _table(table: type) -> dict[str, Any]:
    properties = {}
    required = []
    for setting in settings_of(table):
        schema = {"description": setting.text, **setting.kind.schema}
        if setting.default is dataclasses.MISSING:
            required.append(key_of(setting.field))
        elif isinstance(setting.default, (bool, str)):
            schema["default"] = setting.default
        properties[key_of(setting.field)] = schema
    for field in dataclasses.fields(table):
        if "table" in field.metadata:
            properties[key_of(field.name)] = {
                "description": field.metadata["text"],
                "type": "array",
                "items": _table(field.metadata["table"]),
            }
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": required} if required else schema
