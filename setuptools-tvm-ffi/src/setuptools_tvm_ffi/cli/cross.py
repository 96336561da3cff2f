# SPDX-License-Identifier: Apache-2.0
"""Build wheels of the project in this folder for other platforms, with Zig.

A target names the machine, the system and the oldest supported version of the system. Examples are
x86_64-linux-gnu.2.17, aarch64-linux-gnu.2.28, x86_64-linux-musl, aarch64-macos.11.0 and
x86_64-windows-gnu. For each target, pip downloads the apache-tvm-ffi wheel of that platform. The
command links the project's libraries with the libtvm_ffi in the downloaded wheel. The command
creates no isolated environment: first install the project's build requirements and
setuptools-tvm-ffi[cross].

For example:

    setuptools-tvm-ffi cross --target x86_64-linux-gnu.2.17 --target aarch64-macos.11.0
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ..base.colour import painted
from ..base.errors import PREFIX, BuildError, harmless
from ..base.interruption import interruptible
from ..cross.targets import Target, parse_target
from .config_settings import add_config_settings, parse_config_settings
from .cross_wheels import BUILT, TargetResult, build_wheels, check_environment
from .exit_status import FINDINGS, FINE

_SCHEMA_VERSION = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--target",
        action="append",
        # There is no default, because a target contains the oldest supported version of the
        # system, and only the project can choose this version.
        required=True,
        metavar="TARGET",
        help="a platform to build for; may be repeated",
    )
    parser.add_argument(
        "-o",
        "--outdir",
        type=Path,
        default=Path("dist"),
        metavar="DIR",
        help="folder for the wheels (default: dist)",
    )
    parser.add_argument(
        "--find-links",
        action="append",
        type=Path,
        default=[],
        metavar="DIR",
        help="a folder with wheels of apache-tvm-ffi, like pip's --find-links; may be repeated",
    )
    parser.add_argument(
        "--no-index", action="store_true", help="ignore the package index, like pip's --no-index"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_config_settings(parser)


def run(parsed: argparse.Namespace) -> int:
    """Build a wheel for each target, print a table and return the exit status."""
    config_settings = parse_config_settings(parsed.config_setting)
    if "target" in config_settings:
        raise BuildError("use --target instead of --config-setting target=NAME")
    targets = _targets(parsed.target)
    for folder in parsed.find_links:
        if not folder.is_dir():
            raise BuildError(f"--find-links {folder}: folder not found")
    root = Path.cwd()
    check_environment(root)
    try:
        parsed.outdir.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise BuildError(f"--outdir {parsed.outdir}: {problem.strerror}") from problem
    results = []
    with interruptible():
        for each in build_wheels(
            targets,
            parsed.outdir,
            config_settings,
            root=root,
            find_links=parsed.find_links,
            no_index=parsed.no_index,
        ):
            results.append(each)
            print(f"{PREFIX}: {each.target.name}: {each.result}", file=sys.stderr, flush=True)
    print(_document(results) if parsed.json else _table(results))
    return FINE if all(each.result == BUILT for each in results) else FINDINGS


def _targets(names: Sequence[str]) -> list[Target]:
    targets = [parse_target(name, where="--target") for name in names]
    files: dict[str, Target] = {}
    for target in targets:
        other = files.setdefault(target.tag, target)
        if other is not target:
            raise BuildError(
                f"--target {target.name}: the wheel would overwrite the wheel for {other.name}"
            )
    return targets


def _table(results: Sequence[TargetResult]) -> str:
    rows = [("target", "result", "wheel or error")]
    rows += [
        (r.target.name, r.result, str(r.wheel) if r.wheel else (r.problem or "").splitlines()[0])
        for r in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [(f"{a:{widths[0]}}", f"{b:{widths[1]}}", harmless(c)) for a, b, c in rows]
    colours = ["bold", *("green" if r.result == BUILT else "red" for r in results)]
    return "\n".join(
        f"{a}  {painted(b, colour, sys.stdout)}  {c}" for (a, b, c), colour in zip(lines, colours)
    )


def _document(results: Sequence[TargetResult]) -> str:
    document = {
        "schema": _SCHEMA_VERSION,
        "targets": [
            {
                "target": each.target.name,
                "tags": list(each.target.tags),
                "result": each.result,
                "wheel": each.wheel and str(each.wheel),
                "problem": each.problem,
            }
            for each in results
        ],
    }
    return json.dumps(document, indent=2)
