# SPDX-License-Identifier: Apache-2.0
"""Writes docstrings as Python source."""

from __future__ import annotations

import inspect
import re


def docstring_lines(doc: str | None, indent: str) -> list[str]:
    """Return the source lines of a docstring. `inspect.cleandoc` restores the docstring."""
    cleaned = "\n".join(line.rstrip() for line in inspect.cleandoc(doc or "").split("\n"))
    if not cleaned:
        return []
    # Escape three quotes in a row, and a quote at the end.
    escaped = re.sub(r'"(?=""|\Z)', r'\\"', cleaned.replace("\\", "\\\\"))
    # Escape invisible characters and line separators.
    escaped = re.sub(
        r"[^\S \n]|[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]",
        lambda match: match[0].encode("unicode_escape").decode(),
        escaped,
    )
    if "\n" in escaped:
        escaped += "\n"
    lines = f'"""{escaped}"""'.split("\n")
    return [f"{indent}{line}" if line else "" for line in lines]
