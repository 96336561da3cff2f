# SPDX-License-Identifier: Apache-2.0
"""Makes valid and broken wheels by hand."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path


def record_of(files: Mapping[str, bytes], dist_info: str) -> bytes:
    """Return a ``RECORD`` that lists these files."""
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        writer.writerow((path, f"sha256={digest}", len(content)))
    writer.writerow((f"{dist_info}/RECORD", "", ""))
    return rows.getvalue().encode()


def write_wheel(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    tag: str = "py3-none-any",
    distribution: str = "pkg-1.0",
    requires: tuple[str, ...] = (),
) -> Path:
    """Write a wheel that contains these files and matching metadata; return its path.

    Metadata in `files` is written unchanged.
    """
    dist_info = f"{distribution}.dist-info"
    name, version = distribution.split("-")
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "Requires-Python: >=3.9\n"
    metadata += "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    python, abi, platform = tag.split("-")
    tags = "".join(f"Tag: {python}-{abi}-{one}\n" for one in platform.split("."))
    wheel = f"Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: false\n{tags}"
    whole = {
        f"{dist_info}/METADATA": metadata.encode(),
        f"{dist_info}/WHEEL": wheel.encode(),
        **files,
    }
    whole.setdefault(f"{dist_info}/RECORD", record_of(whole, dist_info))
    path = folder / f"{distribution}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in whole.items():
            archive.writestr(member, content)
    return path
