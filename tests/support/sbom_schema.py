# SPDX-License-Identifier: Apache-2.0
"""Validates an SBOM against the schema of CycloneDX."""

from __future__ import annotations


def assert_valid(text: str) -> None:
    """Fail if the SBOM contains anything that CycloneDX 1.6 forbids or does not define."""
    # The import takes seconds, so processes that only collect tests must not do it.
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - see above
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415 - see above

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
