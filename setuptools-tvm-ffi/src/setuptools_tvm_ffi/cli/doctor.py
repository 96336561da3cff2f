# SPDX-License-Identifier: Apache-2.0
"""Show the tools that builds use on this machine, and the commands that fix problems.

The command imports no package that it diagnoses, so it also works if setuptools or apache-tvm-ffi
is broken. The exit status is 1 if something that every build needs is missing or broken. Warnings
do not change the exit status.

For example:

    setuptools-tvm-ffi doctor
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..base.text import harmless
from ..doctor.checks import diagnose
from ..doctor.facts import Facts, Finding, Tool
from ..doctor.observation import REQUIRED, observe
from .exit_status import FINDINGS, FINE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "package",
        metavar="PACKAGE",
        nargs="?",
        help="a package to diagnose (default: all packages that require apache-tvm-ffi)",
    )
    parser.add_argument("--json", action="store_true", help="print facts and findings as JSON")


def run(parsed: argparse.Namespace) -> int:
    """Print the tools and the findings; return the exit status."""
    facts = observe(parsed.package, Path.cwd())
    findings = diagnose(facts)
    if parsed.json:
        report = {**dataclasses.asdict(facts), "findings": [*map(dataclasses.asdict, findings)]}
        print(json.dumps(report, indent=2))
    else:
        print("\n".join(map(harmless, lines(facts, findings))))
    return FINDINGS if any(finding.level == "error" for finding in findings) else FINE


def lines(facts: Facts, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each tool and package, then each finding with the command that fixes it."""
    tvm_ffi = facts.tvm_ffi
    parts = f"headers {tvm_ffi.headers or '?'}, library {tvm_ffi.library_version or '?'}"
    if tvm_ffi.headers and tvm_ffi.headers == tvm_ffi.library_version:
        parts = f"headers and library {tvm_ffi.headers}"
    rows = [
        *facts.tools,
        Tool("apache-tvm-ffi", tvm_ffi.version, tvm_ffi.path, parts),
        *(
            Tool(p.name, p.version, p.path, "editable" if p.editable else "")
            for p in facts.packages
            if p.name not in REQUIRED
        ),
    ]
    width = max(len(row.name) for row in rows)
    for row in rows:
        origin = f"  ({row.origin})" if row.origin else ""
        shown = f"{row.version or '?'}  {row.path}{origin}" if row.path else "missing"
        yield f"{row.name:{width}}  {shown}"
    for finding in findings:
        if finding.level != "optional":
            yield ""
            yield f"{finding.level}: {finding.what}"
            yield f"  {finding.why}"
            yield f"  fix: {finding.command}"
    optional = [finding for finding in findings if finding.level == "optional"]
    if optional:
        yield ""
        yield "Optional:"
    for finding in optional:
        yield f"  {finding.what}: {finding.why}"
        yield f"    fix: {finding.command}"
    if not any(finding.level == "error" for finding in findings):
        yield ""
        yield "Builds can work here."
