# SPDX-License-Identifier: Apache-2.0
"""Finds parameter names in docstrings, because the registry contains no parameter names."""

from __future__ import annotations

import ast
import inspect
import keyword
import re
import warnings
from collections.abc import Collection, Iterator, Sequence

_UNDERLINE = re.compile(r"-{3,}\s*")
_GOOGLE_HEADING = re.compile(r"(Args|Arguments|Parameters|Params):\s*")
_IN_PARENTHESES = r"\([^()]*(\([^()]*\)[^()]*)*\)"
_GOOGLE_ENTRY = re.compile(rf"(?P<name>\w+)\s*({_IN_PARENTHESES})?\s*:")
_CALL = re.compile(rf"[\w.]+\s*{_IN_PARENTHESES}(\s*->.*)?")


def parameter_names(
    doc: str | None, count: int, *, names: Collection[str], reserved: Collection[str] = ()
) -> tuple[str, ...] | None:
    """Return the parameter names of a function, or ``None`` if its docstring does not list them.

    The names come from a section ``Parameters`` (https://numpydoc.readthedocs.io/), a section
    ``Args:`` (Google's style guide), or a first line such as ``scale(x, factor)``. The number of
    listed names must equal `count`, the number of parameters.

    :param names: the possible names of the function in the first line of the docstring.
    :param reserved: names that parameters cannot have.
    """
    if not doc or count == 0:
        return () if count == 0 else None
    lines = inspect.cleandoc(doc).splitlines()
    # `inspect.cleandoc` removes the common indentation of all lines except the first line. If a
    # section begins in the first line, `cleandoc` would therefore remove the indentation of the
    # section's content. To keep this indentation, add a line break before the first line.
    whole = inspect.cleandoc(f"\n{doc}").splitlines()
    ways = (_numpydoc(lines), _google(lines), _google(whole), _signature(lines[:1], names))
    for listed in ways:
        # The docstring of a method may list `self`, which `count` does not include.
        found = listed[listed[:1] == ["self"] :]
        if len(found) == count == len(set(found)) and all(
            name.isidentifier() and not keyword.iskeyword(name) and name not in reserved
            for name in found
        ):
            return tuple(found)
    return None


def _numpydoc(lines: Sequence[str]) -> list[str]:
    names: list[str] = []
    for line in _section(lines):
        if line and not line[0].isspace():
            names += [name.strip() for name in line.partition(":")[0].split(",")]
    return names


def _section(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the section ``Parameters``."""
    inside = False
    for at, line in enumerate(lines):
        underlined = at + 1 < len(lines) and _UNDERLINE.fullmatch(lines[at + 1]) is not None
        if underlined and line.strip():
            if inside:
                return
            inside = line.strip() == "Parameters"
        elif inside and not _UNDERLINE.fullmatch(line):
            yield line


def _google(lines: Sequence[str]) -> list[str]:
    heading = next((n for n, line in enumerate(lines) if _GOOGLE_HEADING.fullmatch(line)), None)
    if heading is None:
        return []
    names: list[str] = []
    indent = None
    for line in lines[heading + 1 :]:
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        if depth == 0:
            break
        indent = depth if indent is None else indent
        match = _GOOGLE_ENTRY.match(line.strip())
        if depth == indent and match is not None:
            names.append(match["name"])
    return names


def _signature(first: Sequence[str], names: Collection[str]) -> list[str]:
    text = first[0].strip().rstrip(".:") if first else ""
    arguments = parse_arguments(text) if _called(text) in names else None
    if arguments is None or arguments.vararg or arguments.kwarg:
        return []
    return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def signature_line(doc: str | None, names: Collection[str]) -> str | None:
    """Return the first line of a docstring, if the line is a signature of the function.

    An example of a signature is ``scale(x, factor)``. The parameters in the line may be invalid.

    :param names: the possible names of the function in this line.
    :returns: the line without a period or colon at its end; ``None`` if it is not a signature.
    """
    line = inspect.cleandoc(doc or "").partition("\n")[0].strip().rstrip(".:")
    is_call = _CALL.fullmatch(line) is not None or parse_arguments(line) is not None
    return line if is_call and _called(line) in names else None


def _called(line: str) -> str:
    return line.partition("(")[0].strip().rpartition(".")[2]


def parse_arguments(line: str) -> ast.arguments | None:
    """Parse a signature such as ``scale(x, factor)``. Return ``None`` for an invalid signature."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns about invalid escape sequences.
            (function,) = ast.parse(f"def _({line.partition('(')[2]}: ...").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return function.args if isinstance(function, ast.FunctionDef) else None
