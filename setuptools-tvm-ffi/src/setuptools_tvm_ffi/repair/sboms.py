# SPDX-License-Identifier: Apache-2.0
"""Keeps lists of components in a wheel (PEP 770) true of libraries that a tool has rewritten."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

#: Where they lie in ``.dist-info``.
FOLDER = "sboms"


def refreshed(content: bytes, digests: Mapping[str, str]) -> bytes:
    """Return a CycloneDX document that names the files which are shipped.

    It is another version of the same document then, which keeps its serial number
    (https://cyclonedx.org/docs/1.6/json/#version). What is no such document stays as it is, as does
    one that names none of the files.

    :param digests: the SHA-256 of each file that was rewritten: what it was, and what it is.
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
