# SPDX-License-Identifier: Apache-2.0
"""Look at finished wheels for what would fail on a user's machine.

Nothing is unpacked or run, so that any wheel may be looked at on any machine. Each finding has a
code; docs/audit.md says what each breaks and how it is mended.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ..audit.binaries import Binary, BinaryReader
from ..audit.codes import CATALOGUE, Finding
from ..audit.report import WheelReport, audit_wheel
from ..audit.wheel_checks import exported_functions
from ..errors import BuildError, ConfigurationError, harmless, render
from . import print_traceback
from .exit_status import COULD_NOT_RUN, FINDINGS, FINE

_SCHEMA_VERSION = 1
_SHOWN = 8
_WIDTH = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("wheels", nargs="+", type=Path, metavar="WHEEL")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_ignore(parser)


def add_ignore(parser: argparse.ArgumentParser) -> None:
    """Add the option that leaves findings out."""
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="CODE",
        help="leave findings of this code out; may be given several times",
    )


def check_ignored(names: Collection[str]) -> None:
    """Refuse what is no code.

    :raises ConfigurationError: by name.
    """
    unknown = set(names) - {code.name for code in CATALOGUE}
    if unknown:
        raise ConfigurationError(
            f"--ignore: there is no code {min(unknown)!r}", hint="docs/audit.md lists them"
        )


def run(parsed: argparse.Namespace) -> int:
    """Audit each wheel; return the exit status."""
    check_ignored(parsed.ignore)
    status = FINE
    answers = []
    with BinaryReader() as reader:
        for path in parsed.wheels:
            try:
                report = audit_wheel(path, reader)
            except BuildError as problem:
                print(render(problem), file=sys.stderr)
                answers.append({"wheel": str(path), "error": str(problem)})
                status = COULD_NOT_RUN
                continue
            except Exception as problem:  # noqa: BLE001 - the others may be in order
                print_traceback()
                answers.append({"wheel": str(path), "error": repr(problem)})
                status = COULD_NOT_RUN
                continue
            findings = [f for f in report.findings if f.code.name not in parsed.ignore]
            if findings and status == FINE:
                status = FINDINGS
            if parsed.json:
                answers.append(as_json(report, findings))
            else:
                print("\n".join(as_text(report, findings)))
    if parsed.json:
        print(json.dumps({"schema": _SCHEMA_VERSION, "wheels": answers}, indent=2))
    return status


def as_text(report: WheelReport, findings: Collection[Finding]) -> Iterator[str]:
    """Yield what people read, line by line."""
    yield from map(harmless, _lines(report, findings))


def _lines(report: WheelReport, findings: Collection[Finding]) -> Iterator[str]:
    yield report.path.name
    yield f"  platform tag: claims {', '.join(report.claimed_tags)}; " + (
        f"the libraries satisfy {report.satisfied_tag}"
        if report.satisfied_tag
        else "no tag fits the libraries"
    )
    if report.symbols or report.requirement:
        yield f"  requires: {', '.join(report.requirement) or 'no apache-tvm-ffi'}"
    if report.record is not None:
        record = report.record
        yield f"  built against: apache-tvm-ffi {record.built_against}, ABI floor {record.floor}"
    for binary in report.libraries:
        yield f"  {binary.path}"
        for label, text in _facts(binary, report):
            yield f"    {label}: {text}"
    for finding in findings:
        yield ""
        where = f"{finding.path}: " if finding.path else ""
        yield f"  {finding.code.name} {finding.code.level}: {finding.code.title}"
        yield f"    found:  {where}{finding.what}"
        yield f"    breaks: {finding.breaks or finding.code.breaks}"
        yield f"    fix:    {finding.fix or finding.code.fix}"
    count = len(findings)
    yield "" if findings else "  no findings"
    if findings:
        yield f"  {count} finding{'s' if count > 1 else ''}"


def _facts(binary: Binary, report: WheelReport) -> Iterator[tuple[str, str]]:
    yield "file", f"{binary.format} {binary.kind} for {binary.machine}"
    yield "needs", _listed(binary.needed)
    if binary.minimum_os is not None:
        yield "minimum macOS", ".".join(map(str, binary.minimum_os))
    versions = dict.fromkeys(v.version for v in binary.symbol_versions)
    if versions:
        yield "symbol versions", _listed(versions)
    symbols = {name: report.symbols[name] for name in binary.undefined if name in report.symbols}
    known = [release for release in symbols.values() if release is not None]
    if symbols:
        newest = f", all there from {max(known)} on" if len(known) == len(symbols) else ""
        yield "tvm-ffi symbols", f"{len(symbols)}{newest}"
        unknown = [name for name, release in symbols.items() if release is None]
        if unknown:
            yield "of no known release", _listed(unknown)
    functions = exported_functions(binary)
    if functions:
        yield "functions", _listed(functions)
    others = [name for name in binary.exported if not name.startswith("__tvm_ffi_")]
    yield "other exports", _listed(others)
    if binary.run_paths:
        yield "run paths", _listed(binary.run_paths)
    if binary.relro is not None:
        yield "RELRO", binary.relro


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(map(_shortened, list(names)[:_SHOWN])) or "nothing"
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _shortened(name: str) -> str:
    return name if len(name) <= _WIDTH else f"{name[: _WIDTH - 1]}…"


def as_json(report: WheelReport, findings: Collection[Finding]) -> dict[str, Any]:
    """Return what programs read."""
    record = report.record
    return {
        "wheel": str(report.path),
        "claimed-tags": list(report.claimed_tags),
        "satisfied-tag": report.satisfied_tag,
        "requirement": list(report.requirement),
        "build-record": None
        if record is None
        else {"built-against": record.built_against, "abi-floor": str(record.floor)},
        "tvm-ffi-symbols": {
            name: None if release is None else str(release)
            for name, release in sorted(report.symbols.items())
        },
        "libraries": [_library_as_json(binary) for binary in report.libraries],
        "findings": [
            {
                "code": finding.code.name,
                "level": finding.code.level,
                "title": finding.code.title,
                "path": finding.path or None,
                "found": finding.what,
                "breaks": finding.breaks or finding.code.breaks,
                "fix": finding.fix or finding.code.fix,
            }
            for finding in findings
        ],
    }


def _library_as_json(binary: Binary) -> dict[str, Any]:
    return {
        "path": binary.path,
        "format": binary.format,
        "kind": binary.kind,
        "machine": binary.machine,
        "name": binary.name,
        "needed": list(binary.needed),
        "symbol-versions": [
            {"library": v.library, "version": v.version, "symbols": list(v.symbols)}
            for v in binary.symbol_versions
        ],
        "undefined": list(binary.undefined),
        "weak": list(binary.weak),
        "exported": list(binary.exported),
        "unique": list(binary.unique),
        "run-paths": list(binary.run_paths),
        "executable-stack": binary.executable_stack,
        "text-relocations": binary.text_relocations,
        "relro": binary.relro,
        "minimum-os": None if binary.minimum_os is None else list(binary.minimum_os),
        "signed": binary.signed,
        "build-paths": list(binary.build_paths),
    }
