# SPDX-License-Identifier: Apache-2.0
"""Renders the results of compat: a table and advice for people, JSON for programs."""

from __future__ import annotations

import platform
import sys
import textwrap
from collections.abc import Iterator, Sequence

from ..base.colour import painted
from ..compat.floor import is_admitted, widest_range
from ..compat.result import Result
from ..compat.subject import Subject
from ..ffi.releases import DISTRIBUTION

_SCHEMA = 1

# The table shortens the detail of a result to this width. `--json` prints the whole detail.
_WIDTH = 120

_NOTHING_CALLED = (
    "No function was called. The package can be imported and its functions and classes are",
    "found, but that does not prove that they work. Test them with a command, such as",
    "    --command 'python -m pytest tests' --with pytest",
)


def table(results: Sequence[Result], subject: Subject) -> str:
    """Return the table: a line for each release, with the outcome, notes and detail of the result.

    :param results: sorted by version.
    """
    rows = [
        (
            str(result.release),
            result.label,
            ", ".join(_notes(result, subject)),
            textwrap.shorten(result.detail, _WIDTH, placeholder=" …"),
        )
        for result in results
    ]
    head = (DISTRIBUTION, "result", "", "")
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    lines = []
    colours = [
        "bold",
        *("green" if r.passed else "yellow" if r.unknown else "red" for r in results),
    ]
    for row, colour in zip((head, *rows), colours):
        release, label, *others = (cell.ljust(width) for cell, width in zip(row, widths))
        lines.append("  ".join((release, painted(label, colour, sys.stdout), *others)).rstrip())
    return "\n".join(lines)


def advice(results: Sequence[Result]) -> str:
    """Return a text: the range of releases that passed, and lines that declare this range.

    The user can copy these lines into ``pyproject.toml``.

    :param results: sorted by version.
    """
    found = widest_range(results)
    unknown = ", ".join(str(result.release) for result in results if result.unknown)
    lines = [f"could not be tested, so no range includes it: {unknown}"] if unknown else []
    if found is None:
        return "\n".join(["no release passed", *lines])
    tested = f"{found.count} of {len(results)} tested release{'s' * (len(results) != 1)}"
    lines.insert(0, f"widest range that passed: {found.oldest} to {found.newest} ({tested})")
    if not is_proven(results):
        return "\n".join([*lines, *_NOTHING_CALLED])
    if found.abi_floor is not None:
        lines += [
            'if dynamic = ["dependencies"], add to [tool.setuptools-tvm-ffi]:',
            f'    abi-floor = "{found.abi_floor}"',
            "if dependencies are static, add to [project] dependencies:",
        ]
    else:
        lines.append("add to [project] dependencies (abi-floor cannot express this range):")
    lines.append(f'    "{found.requirement}"')
    return "\n".join(lines)


def is_proven(results: Sequence[Result]) -> bool:
    """Whether at least one passed test has called a function or run the user's command."""
    return any(result.called != 0 for result in results if result.passed)


def document(results: Sequence[Result], subject: Subject) -> dict[str, object]:
    """Return the JSON document.

    If `is_proven` is false, the requirement and the ABI floor are ``None``. In this case, the text
    of `advice` contains neither the requirement nor the ABI floor.
    """
    found = widest_range(results)
    proven = is_proven(results)
    return {
        "schema": _SCHEMA,
        "wheel": {"file": subject.path.name, "sha256": subject.sha256},
        "requires": None if subject.admits is None else str(subject.admits),
        "python": platform.python_version(),
        "releases": [
            {
                "version": str(result.release),
                "outcome": result.outcome.value,
                "signal": result.signal,
                "detail": result.detail,
                "withdrawn": result.withdrawn,
                "admitted": is_admitted(result.release, subject.admits),
                "cached": result.cached,
                "called": result.called,
            }
            for result in results
        ],
        "range": None
        if found is None
        else {
            "oldest": str(found.oldest),
            "newest": str(found.newest),
            "requirement": found.requirement if proven else None,
            "abi-floor": found.abi_floor if proven else None,
        },
    }


def _notes(result: Result, subject: Subject) -> Iterator[str]:
    if result.withdrawn:
        yield "withdrawn"
    if not is_admitted(result.release, subject.admits):
        yield "not admitted"
    if result.cached:
        yield "cached"
