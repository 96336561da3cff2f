# SPDX-License-Identifier: Apache-2.0
"""Holds an SBOM against the schema of its format."""

from __future__ import annotations


def assert_valid(text: str) -> None:
    """Fail where CycloneDX 1.6 forbids what is there, or does not know it."""
    # Seconds, for grammars that jsonschema compiles: not in each process that collects tests.
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - as said
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415 - as said

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
