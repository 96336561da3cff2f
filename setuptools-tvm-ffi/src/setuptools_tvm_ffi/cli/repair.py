# SPDX-License-Identifier: Apache-2.0
"""Prepare wheels for publication: bundle the needed libraries and set the platform tag.

The command runs auditwheel, delocate or delvewheel, depending on the wheel's platform, then audits
the result. The original wheels are not changed.

For example:

    setuptools-tvm-ffi repair dist/*.whl
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from ..audit.wheel_audit import audit_wheel
from ..binaries.binary import BinaryReader
from ..repair import Repaired, repair_wheel
from . import audited_wheels
from .audited_wheels import Audited


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    audited_wheels.add_arguments(parser)
    parser.add_argument(
        "-w",
        "--wheel-dir",
        type=Path,
        default=Path("wheelhouse"),
        metavar="DIR",
        help="folder for the repaired wheels (default: wheelhouse)",
    )
    parser.add_argument(
        "--plat",
        metavar="TAG",
        help="platform tag of the result, such as manylinux_2_28 (default: the most compatible tag "
        "that the libraries satisfy)",
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="LIB",
        help="do not bundle this library; libtvm_ffi and drivers are never bundled; may be "
        "repeated",
    )


def run(parsed: argparse.Namespace) -> int:
    """Repair and audit each wheel; return the exit status."""

    def repair(wheel: Path, reader: BinaryReader) -> Audited:
        repaired = repair_wheel(
            wheel, parsed.wheel_dir, reader, platform=parsed.plat, exclude=parsed.exclude
        )
        report = audit_wheel(repaired.path, reader)
        return Audited(report, tuple(_as_text(repaired)), _as_json(repaired))

    return audited_wheels.go_through(parsed, repair)


def _as_text(repaired: Repaired) -> Iterator[str]:
    how = repaired.repaired_with or "a copy: the wheel needed no repair"
    yield f"wrote {repaired.path} ({how})"
    for name in repaired.added:
        yield f"  added {name}"
    for name in repaired.changed:
        yield f"  changed {name}"


def _as_json(repaired: Repaired) -> dict[str, object]:
    return {
        "wheel": str(repaired.source),
        "repaired": str(repaired.path),
        "repaired-with": repaired.repaired_with,
        "added": list(repaired.added),
        "changed": list(repaired.changed),
    }
