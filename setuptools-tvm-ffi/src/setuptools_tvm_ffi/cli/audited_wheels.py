# SPDX-License-Identifier: Apache-2.0
"""Goes through the wheels of a command line, and says what an audit finds in each."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audit.codes import CATALOGUE
from ..audit.wheel_audit import WheelReport
from ..base.errors import BuildError, ConfigurationError, harmless, render
from ..binaries.binary import BinaryReader
from . import print_traceback
from .audit_rendering import as_json, as_text
from .exit_status import COULD_NOT_RUN, FINDINGS, FINE

_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Audited:
    """What came of one wheel.

    :param report: the audit's.
    :param done: lines that say what was done before it.
    :param document: the same for programs; ``None`` where nothing was done.
    """

    report: WheelReport
    done: Sequence[str] = ()
    document: Mapping[str, object] | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes that audits wheels."""
    parser.add_argument("wheels", nargs="+", type=Path, metavar="WHEEL")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="CODE",
        help="leave findings of this code out; may be given several times",
    )


def go_through(parsed: argparse.Namespace, audit: Callable[[Path, BinaryReader], Audited]) -> int:
    """Audit each wheel, whatever becomes of the others; print it, and return the exit status.

    :param parsed: what `add_arguments` adds.
    :param audit: may raise what it will.
    :raises ConfigurationError: an ignored code is none.
    """
    _check_ignored(parsed.ignore)
    status = FINE
    answers: list[Mapping[str, object]] = []
    with BinaryReader() as reader:
        for wheel in parsed.wheels:
            try:
                audited = audit(wheel, reader)
            except BuildError as problem:
                print(render(problem), file=sys.stderr)
                answers.append({"wheel": str(wheel), "error": str(problem)})
                status = COULD_NOT_RUN
                continue
            except Exception as problem:  # noqa: BLE001 - the others may be in order
                print_traceback()
                answers.append({"wheel": str(wheel), "error": repr(problem)})
                status = COULD_NOT_RUN
                continue
            report = audited.report
            findings = [f for f in report.findings if f.code.name not in parsed.ignore]
            if findings and status == FINE:
                status = FINDINGS
            if parsed.json:
                answer = as_json(report, findings)
                beside = audited.document
                answers.append(answer if beside is None else {**beside, "audit": answer})
            else:
                print("\n".join([*map(harmless, audited.done), *as_text(report, findings)]))
    if parsed.json:
        print(json.dumps({"schema": _SCHEMA_VERSION, "wheels": answers}, indent=2))
    return status


def _check_ignored(names: Collection[str]) -> None:
    unknown = set(names) - {code.name for code in CATALOGUE}
    if unknown:
        raise ConfigurationError(
            f"--ignore: there is no code {min(unknown)!r}", hint="docs/audit.md lists them"
        )
