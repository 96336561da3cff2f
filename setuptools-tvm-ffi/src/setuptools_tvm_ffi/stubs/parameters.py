# SPDX-License-Identifier: Apache-2.0
"""Parameter names, which the registry does not have, out of docstrings that have them."""

from __future__ import annotations

import ast
import inspect
import keyword
import re
import unicodedata
import warnings
from collections.abc import Collection, Iterator, Sequence

_UNDERLINE = re.compile(r"-{3,}\s*")
_GOOGLE_HEADING = re.compile(r"(Args|Arguments|Parameters|Params):\s*")
_GOOGLE_ENTRY = re.compile(r"(?P<name>\w+)\s*(\([^()]*(\([^()]*\)[^()]*)*\))?\s*:")


def parameter_names(
    doc: str | None, count: int, *, names: Collection[str], reserved: Collection[str] = ()
) -> tuple[str, ...] | None:
    """Return the names of a function's parameters, ``None`` where its docstring has not all.

    A section ``Parameters`` as numpydoc describes it (https://numpydoc.readthedocs.io/), one
    ``Args:`` of Google's style guide, or a first line such as ``scale(x, factor)``: the first of
    them that has as many names as there are parameters.

    :param names: what the first line may call the function.
    :param reserved: names that no parameter may have.
    """
    if not doc or count == 0:
        return () if count == 0 else None
    lines = inspect.cleandoc(doc).splitlines()
    # A first line without an indent says nothing of the others', unless it begins a section.
    whole = inspect.cleandoc(f"\n{doc}").splitlines()
    ways = (_numpydoc(lines), _google(lines), _google(whole), _signature(lines[:1], names))
    for listed in ways:
        # A method's `self` may be listed; it is none of the registry's.
        found = listed[listed[:1] == ["self"] :]
        if len(found) == count == len(set(found)) and all(
            is_usable(name) and name not in reserved for name in found
        ):
            return tuple(found)
    return None


def is_usable(name: str) -> bool:
    """Whether a parameter can have a name, and has it once Python has read it."""
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and name != "__debug__"
        and unicodedata.normalize("NFKC", name) == name
    )


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
    called = text.partition("(")[0].strip().rpartition(".")[2]
    if called not in names:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in the text
            (function,) = ast.parse(f"def _({text.partition('(')[2]}: ...").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    if not isinstance(function, ast.FunctionDef) or function.args.vararg or function.args.kwarg:
        return []
    arguments = function.args
    return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
