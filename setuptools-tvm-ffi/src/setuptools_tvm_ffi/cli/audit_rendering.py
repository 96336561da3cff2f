# SPDX-License-Identifier: Apache-2.0
"""Render the result of an audit as text or JSON."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Collection, Iterator
from typing import Any

from ..audit.codes import ERROR, Finding
from ..audit.wheel_audit import LibraryReport, WheelReport
from ..audit.wheel_checks import exported_functions
from ..base.colour import painted
from ..base.errors import harmless
from ..base.text import first_few

# In the report, dependencies from the same source form one list. The key is the source, as in
# `LibraryReport.needed`. The value is the label of the list.
_PROVIDERS = {
    "platform": "needs",
    "wheel": "needs from this wheel",
    None: "needs (missing on some machines)",
}
_COLOURS = {True: "red", False: "yellow"}
_SHOWN = 8
_WIDTH = 60


def as_text(report: WheelReport, findings: Collection[Finding]) -> Iterator[str]:
    """Yield the lines of the report. Findings with the same code share one paragraph."""
    yield from map(harmless, _facts_of_wheel(report))
    by_code = itertools.groupby(findings, key=lambda finding: finding.code)
    for code, found in by_code:
        yield ""
        level = painted(f"{code.name} {code.level}", _COLOURS[code.level == ERROR], sys.stdout)
        yield f"  {level}: {code.title}"
        for number, finding in enumerate(found):
            where = f"{_slice(finding.path, finding.machine)}: " if finding.path else ""
            yield harmless(f"    {' ' * 6 if number else 'found:'}  {where}{finding.what}")
        yield f"    breaks: {code.breaks}"
        yield f"    fix:    {code.fix}"
    count = len(findings)
    yield "" if findings else "  no findings"
    if findings:
        yield f"  {count} finding{'s' if count > 1 else ''}"


def _facts_of_wheel(report: WheelReport) -> Iterator[str]:
    yield report.path.name
    claimed = ", ".join(report.claimed_tags)
    satisfied = report.satisfied_tag or "no tag"
    yield f"  platform tag: claims {claimed}; the libraries satisfy {satisfied}"
    if report.symbols or report.requirement:
        yield f"  requires: {', '.join(report.requirement) or 'no apache-tvm-ffi'}"
    if report.record is not None:
        record = report.record
        yield f"  built against: apache-tvm-ffi {record.built_against}, ABI floor {record.floor}"
    for library in report.libraries:
        yield f"  {_slice(library.binary.path, library.machine)}"
        for label, text in _facts(library, report):
            yield f"    {label}: {text}"


def _slice(path: str, machine: str) -> str:
    """Return a library's path, followed by the machine if `machine` is not empty."""
    return f"{path} ({machine})" if machine else path


def _facts(library: LibraryReport, report: WheelReport) -> Iterator[tuple[str, str]]:
    binary = library.binary
    yield "file", f"{binary.format} {binary.kind} for {binary.machine}"
    yield "satisfies", library.satisfied_tag or "no tag"
    for provider, label in _PROVIDERS.items():
        names = [name for name, has in library.needed if has == provider]
        if names:
            yield label, _joined(names)
    if not library.needed:
        yield "needs", "nothing"
    if binary.minimum_os is not None:
        yield "minimum macOS", ".".join(map(str, binary.minimum_os))
    versions = dict.fromkeys(v.version for v in binary.symbol_versions)
    if versions:
        yield "symbol versions", _joined(versions)
    symbols = {name: report.symbols[name] for name in binary.undefined if name in report.symbols}
    known = [release for release in symbols.values() if release is not None]
    if symbols:
        newest = f", all in {max(known)} and newer" if len(known) == len(symbols) else ""
        yield "tvm-ffi symbols", f"{len(symbols)}{newest}"
        unknown = [name for name, release in symbols.items() if release is None]
        if unknown:
            yield "in no known release", _joined(unknown)
    functions = exported_functions(binary)
    if functions:
        yield "functions", _joined(functions)
    others = [name for name in binary.exported if not name.startswith("__tvm_ffi_")]
    yield "other exports", _joined(others)
    if binary.run_paths:
        yield "run paths", _joined(binary.run_paths)
    if binary.relro is not None:
        yield "RELRO", binary.relro


def _joined(names: Collection[str]) -> str:
    return first_few([_shortened(name) for name in names], shown=_SHOWN) or "nothing"


def _shortened(name: str) -> str:
    return name if len(name) <= _WIDTH else f"{name[: _WIDTH - 1]}…"


def as_json(report: WheelReport, findings: Collection[Finding]) -> dict[str, Any]:
    """Return the report as a JSON object."""
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
        "libraries": [_library_as_json(library) for library in report.libraries],
        "findings": [
            {
                "code": finding.code.name,
                "level": finding.code.level,
                "title": finding.code.title,
                "path": finding.path or None,
                "machine": finding.machine or None,
                "found": finding.what,
                "breaks": finding.code.breaks,
                "fix": finding.code.fix,
            }
            for finding in findings
        ],
    }


def _library_as_json(library: LibraryReport) -> dict[str, Any]:
    binary = library.binary
    return {
        "path": binary.path,
        "format": binary.format,
        "kind": binary.kind,
        "machine": binary.machine,
        "name": binary.name,
        "satisfied-tag": library.satisfied_tag,
        "needed": [{"name": name, "provided-by": has} for name, has in library.needed],
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
