# SPDX-License-Identifier: Apache-2.0
"""Make wheels fit to be published: what libraries need comes in, and the tag is the right one.

Calls auditwheel, delocate or delvewheel, by the wheel's own platform, and audits what comes of it.
The wheels that are given stay as they are. docs/repair.md says more.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from ..audit.binaries import BinaryReader
from ..audit.report import audit_wheel
from ..errors import BuildError, harmless, render
from ..repair import Repaired, repair_wheel
from . import print_traceback
from .audit import add_ignore, as_json, as_text, check_ignored
from .exit_status import COULD_NOT_RUN, FINDINGS, FINE

_SCHEMA_VERSION = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("wheels", nargs="+", type=Path, metavar="WHEEL")
    parser.add_argument(
        "-w",
        "--wheel-dir",
        type=Path,
        default=Path("wheelhouse"),
        metavar="DIR",
        help="where repaired wheels are written (default: wheelhouse)",
    )
    parser.add_argument(
        "--plat",
        metavar="TAG",
        help="the platform tag that is wanted, such as manylinux_2_28 (default: the best that "
        "holds)",
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="LIB",
        help="a library that is not brought along, beside libtvm_ffi and drivers; may be given "
        "several times",
    )
    add_ignore(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Repair and audit each wheel; return the exit status."""
    check_ignored(parsed.ignore)
    status = FINE
    answers: list[dict[str, object]] = []
    with BinaryReader() as reader:
        for wheel in parsed.wheels:
            try:
                repaired = repair_wheel(
                    wheel, parsed.wheel_dir, reader, platform=parsed.plat, exclude=parsed.exclude
                )
                report = audit_wheel(repaired.path, reader)
            except BuildError as problem:  # the others may be in order
                print(render(problem), file=sys.stderr)
                answers.append({"wheel": str(wheel), "error": str(problem)})
                status = COULD_NOT_RUN
                continue
            except Exception as problem:  # noqa: BLE001 - here, too
                print_traceback()
                answers.append({"wheel": str(wheel), "error": repr(problem)})
                status = COULD_NOT_RUN
                continue
            findings = [f for f in report.findings if f.code.name not in parsed.ignore]
            if findings and status == FINE:
                status = FINDINGS
            if parsed.json:
                answers.append({**_as_json(repaired), "audit": as_json(report, findings)})
            else:
                print("\n".join([*map(harmless, _as_text(repaired)), *as_text(report, findings)]))
    if parsed.json:
        print(json.dumps({"schema": _SCHEMA_VERSION, "wheels": answers}, indent=2))
    return status


def _as_text(repaired: Repaired) -> Iterator[str]:
    yield f"wrote {repaired.path} ({repaired.repaired_with or 'a copy: it needs no repair'})"
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
