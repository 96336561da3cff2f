# SPDX-License-Identifier: Apache-2.0
"""Writes down results: a table for people, JSON for programs."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Iterator, Sequence

from ..abi_floor import DISTRIBUTION
from .floor import Range, is_admitted, widest_range
from .result import Result
from .subject import Subject

_SCHEMA = 1

# Of a reason; --json has all of it.
_WIDTH = 120


def table(results: Sequence[Result], subject: Subject) -> str:
    """Return a line for each release: what came of it, what to know of it, and the reason.

    ``not admitted`` is a release that the wheel's own requirement rules out.

    :param results: in the order of their versions.
    """
    rows = [
        (
            str(result.release.version),
            result.label,
            ", ".join(_notes(result, subject)),
            textwrap.shorten(result.detail, _WIDTH, placeholder=" …"),
        )
        for result in results
    ]
    head = (DISTRIBUTION, "result", "", "")
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in (head, *rows)
    ]
    return "\n".join(lines)


def advice(results: Sequence[Result]) -> str:
    """Return the range that passed, and the lines that say so in ``pyproject.toml``."""
    found = widest_range(results)
    if found is None:
        return "no release passed"
    lines = [
        f"widest range that passed: {found.oldest} to {found.newest} "
        f"({_count(found)} of the {len(results)} that were tried)"
    ]
    if found.abi_floor is not None:
        lines += [
            'with dynamic = ["dependencies"]:',
            f'    abi-floor = "{found.abi_floor}"    # in [tool.setuptools-tvm-ffi]',
            "with a requirement of your own, in [project] dependencies:",
        ]
    else:
        lines.append("in [project] dependencies (abi-floor cannot say it):")
    lines.append(f'    "{found.requirement}"')
    if results and results[0].passed and results[0].release.version == found.oldest:
        lines.append("(the oldest that was tried passed: still older ones may do)")
    return "\n".join(lines)


def document(results: Sequence[Result], subject: Subject) -> dict[str, object]:
    """Return everything, for JSON."""
    found = widest_range(results)
    return {
        "schema": _SCHEMA,
        "wheel": {"file": subject.path.name, "sha256": subject.sha256},
        "requires": None if subject.admits is None else str(subject.admits),
        "python": platform.python_version(),
        "releases": [
            {
                "version": str(result.release.version),
                "outcome": result.outcome.value,
                "signal": result.signal,
                "detail": result.detail,
                "withdrawn": result.release.withdrawn,
                "admitted": is_admitted(result.release.version, subject.admits),
                "cached": result.cached,
            }
            for result in results
        ],
        "range": None
        if found is None
        else {
            "oldest": str(found.oldest),
            "newest": str(found.newest),
            "requirement": found.requirement,
            "abi-floor": found.abi_floor,
        },
    }


def _count(found: Range) -> str:
    return f"{found.count} release{'s' * (found.count != 1)}"


def _notes(result: Result, subject: Subject) -> Iterator[str]:
    if result.release.withdrawn:
        yield "withdrawn"
    if not is_admitted(result.release.version, subject.admits):
        yield "not admitted"
    if result.cached:
        yield "cached"
