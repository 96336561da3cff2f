# SPDX-License-Identifier: Apache-2.0
"""Updates SBOMs in a wheel (PEP 770) after a tool has changed libraries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

#: Folder of the SBOMs in ``.dist-info``.
FOLDER = "sboms"


def with_new_digests(content: bytes, digests: Mapping[str, str]) -> bytes:
    """Return a CycloneDX document with new digests for the changed files.

    The document keeps its serial number, and its version increases
    (https://cyclonedx.org/docs/1.6/json/#version). A document that lists no changed file,
    or is not CycloneDX JSON, is returned unchanged.

    :param digests: maps the old SHA-256 of each changed file to the new SHA-256.
    """
    try:
        document = json.loads(content)
        stale = [entry for entry in _hashes(document) if entry["content"] in digests]
        version = int(document.get("version", 1)) + 1
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return content
    if not stale:
        return content
    for entry in stale:
        entry["content"] = digests[entry["content"]]
    document["version"] = version
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _hashes(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for component in document["components"]:
        yield from component.get("hashes", ())
