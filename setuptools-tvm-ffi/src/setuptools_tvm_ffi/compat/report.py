# SPDX-License-Identifier: Apache-2.0
"""Writes down results: a table for people, JSON for programs."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Iterator, Sequence

from ..ffi.releases import DISTRIBUTION
from .floor import is_admitted, widest_range
from .releases import Release
from .result import Result
from .subject import Subject

_SCHEMA = 1

# Of a reason; --json has all of it.
_WIDTH = 120

_NOTHING_CALLED = (
    "Nothing was called: it is proven that the package can be imported and that its functions and",
    "classes are found, and no more. What it does is proven by a command that uses it, as",
    "    --command 'python -m pytest tests' --with pytest",
)


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


def advice(results: Sequence[Result], releases: Sequence[Release]) -> str:
    """Return the range that passed, and the lines that say so in ``pyproject.toml``.

    :param results: in the order of their versions.
    :param releases: all that there are, tried or not.
    """
    found = widest_range(results, releases)
    if found is None:
        return "\n".join(["no release passed", *_unknown(results)])
    lines = [
        f"widest range that passed: {found.oldest} to {found.newest} "
        f"({_count(found.count)} of the {len(results)} that were tried)",
        *_unknown(results),
    ]
    if found.untried:
        lines.append(f"not tried, in it or next to it: {', '.join(map(str, found.untried))}")
    if not is_proven(results):
        return "\n".join([*lines, *_NOTHING_CALLED])
    if found.abi_floor is not None:
        lines += [
            'with dynamic = ["dependencies"]:',
            f'    abi-floor = "{found.abi_floor}"    # in [tool.setuptools-tvm-ffi]',
            "with a requirement of your own, in [project] dependencies:",
        ]
    elif found.unknown_below is not None:
        lines.append("in [project] dependencies (where the floor lies is not known):")
    else:
        lines.append("in [project] dependencies (abi-floor cannot say it):")
    lines.append(f'    "{found.requirement}"')
    return "\n".join(lines)


def is_proven(results: Sequence[Result]) -> bool:
    """Whether a function was called, or a command run, with any release that passed."""
    return any(result.called != 0 for result in results if result.passed)


def document(
    results: Sequence[Result], subject: Subject, releases: Sequence[Release]
) -> dict[str, object]:
    """Return everything, for JSON.

    Where nothing was called, there is neither a requirement nor a floor to be taken from it.
    """
    found = widest_range(results, releases)
    proven = is_proven(results)
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
            "untried": [str(version) for version in found.untried],
        },
    }


def _count(number: int) -> str:
    return f"{number} release{'s' * (number != 1)}"


def _unknown(results: Sequence[Result]) -> list[str]:
    versions = ", ".join(str(result.release.version) for result in results if result.unknown)
    return [f"{versions} could not be tried: no range goes across"] if versions else []


def _notes(result: Result, subject: Subject) -> Iterator[str]:
    if result.release.withdrawn:
        yield "withdrawn"
    if not is_admitted(result.release.version, subject.admits):
        yield "not admitted"
    if result.cached:
        yield "cached"
