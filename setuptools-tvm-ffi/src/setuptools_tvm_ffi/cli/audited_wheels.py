# SPDX-License-Identifier: Apache-2.0
"""Audit the wheels of a command line and print the results."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audit.codes import CATALOGUE
from ..audit.wheel_audit import WheelReport
from ..base.errors import BuildError, ConfigurationError, harmless, render
from ..binaries.binary import BinaryReader
from . import print_error, print_traceback
from .audit_rendering import as_json, as_text
from .exit_status import COULD_NOT_RUN, FINDINGS, FINE

_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Audited:
    """The result of auditing one wheel.

    :param report: the report of the audit.
    :param done: lines that describe the repair of the wheel. Without a repair, there are no lines.
    :param document: a JSON object that describes the repair, or ``None`` without a repair.
    """

    report: WheelReport
    done: Sequence[str] = ()
    document: Mapping[str, object] | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that ``audit`` and ``repair`` share."""
    parser.add_argument("wheels", nargs="+", type=Path, metavar="WHEEL", help="a wheel")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="CODE",
        help="omit findings with this code; may be repeated",
    )


def go_through(parsed: argparse.Namespace, audit: Callable[[Path, BinaryReader], Audited]) -> int:
    """Audit each wheel, print the results and return the exit status.

    :param parsed: the options of `add_arguments`.
    :param audit: a function that audits one wheel. If the function fails for a wheel, the other
        wheels are still audited.
    :raises ConfigurationError: ``--ignore`` names an unknown code.
    """
    _check_ignored(parsed.ignore)
    status = FINE
    answers: list[Mapping[str, object]] = []
    with BinaryReader() as reader:
        for wheel in parsed.wheels:
            try:
                audited = audit(wheel, reader)
            except BuildError as problem:
                print_error(render(problem))
                answers.append({"wheel": str(wheel), "error": str(problem)})
                status = COULD_NOT_RUN
                continue
            except Exception as problem:  # noqa: BLE001 - audit the other wheels
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
            f"--ignore: unknown code {min(unknown)!r}",
            hint=f"known codes: {', '.join(code.name for code in CATALOGUE)}",
        )
