# SPDX-License-Identifier: Apache-2.0
"""Make wheels fit to be published: what libraries need comes in, and the tag is the right one.

Calls auditwheel, delocate or delvewheel, by the wheel's own platform. The wheels that are given
stay as they are.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..errors import BuildError, render
from ..repair import Repaired, repair_wheel
from .exit_status import COULD_NOT_RUN, FINE

_SCHEMA = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("wheels", nargs="+", type=Path, metavar="WHEEL", help="a wheel to repair")
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
        help="the platform tag that is wanted, as manylinux_2_28 (default: the best that holds)",
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="LIB",
        help="a library that is not brought along, beside libtvm_ffi and drivers; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Repair each wheel; return the exit status."""
    status = FINE
    documents = []
    for wheel in parsed.wheels:
        try:
            repaired = repair_wheel(
                wheel, parsed.wheel_dir, platform=parsed.plat, exclude=parsed.exclude
            )
        except BuildError as problem:  # the others may be in order
            print(render(problem), file=sys.stderr)
            status = COULD_NOT_RUN
            continue
        documents.append(_document(repaired))
        if not parsed.json:
            print(_text(repaired))
    if parsed.json:
        print(json.dumps({"schema": _SCHEMA, "wheels": documents}, indent=2))
    return status


def _text(repaired: Repaired) -> str:
    lines = [f"{repaired.path}: {repaired.repaired_with or 'needs no repair'}"]
    lines += [f"  added {name}" for name in repaired.added]
    lines += [f"  rewrote {name}" for name in repaired.changed]
    return "\n".join(lines)


def _document(repaired: Repaired) -> dict[str, object]:
    return {
        "wheel": str(repaired.source),
        "repaired": str(repaired.path),
        "repaired-with": repaired.repaired_with,
        "added": repaired.added,
        "changed": repaired.changed,
    }
