# SPDX-License-Identifier: Apache-2.0
"""Splits the text of a `CMakeLists.txt` into commands.

The grammar is that of https://cmake.org/cmake/help/latest/manual/cmake-language.7.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from ..base.errors import BuildError

_TOKEN = re.compile(
    r"""
      (?P<skipped> [ \t\r\n]+ | \#\[(?P<c>=*)\[.*?\](?P=c)\] | \#[^\n]* )
    | \[(?P<b>=*)\[\n?(?P<bracket>.*?)\](?P=b)\]
    | "(?P<quoted>(?:[^"\\]|\\.)*)"
    | (?P<parenthesis>[()])
    | (?P<unquoted>(?:[^\s()#"\\]|\\.|"(?:[^"\\]|\\.)*")+)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPENINGS = {"if", "foreach", "while", "function", "macro", "block"}

#: The value of a variable, or None if only CMake knows it. An undefined variable is "".
Lookup = Callable[[str], Optional[str]]


@dataclass(frozen=True)
class Argument:
    """An argument of a command.

    :param kind: ``quoted``, ``unquoted``, ``bracket`` or ``parenthesis``.
    """

    text: str
    kind: str = "unquoted"


@dataclass(frozen=True)
class Command:
    """A command, with its name in lower case."""

    name: str
    arguments: tuple[Argument, ...]
    file: str
    line: int

    @property
    def place(self) -> str:
        """The file and the line. Remarks about the command start with this text."""
        return f"{self.file}:{self.line}"


def parse(text: str, file: str) -> list[Command]:
    """Return the commands of a file.

    :param file: the name of the file, for messages.
    :raises BuildError: the text is not valid CMake.
    """
    commands: list[Command] = []
    tokens = _tokens(text, file)
    for name, line in tokens:
        if name.kind != "unquoted" or next(tokens, (None,))[0] != Argument("(", "parenthesis"):
            raise _invalid(file, line, f"expected a command, not {name.text!r}")
        arguments: list[Argument] = []
        depth = 1
        for argument, _ in tokens:
            if argument.kind == "parenthesis":
                depth += 1 if argument.text == "(" else -1
            if depth == 0:
                break
            arguments.append(argument)
        else:
            raise _invalid(file, line, f"the ')' of {name.text!r} is missing")
        commands.append(Command(name.text.lower(), tuple(arguments), file, line))
    return commands


def _tokens(text: str, file: str) -> Iterator[tuple[Argument, int]]:
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _invalid(file, line, f"cannot read {text[position : position + 20]!r}")
        for kind in ("bracket", "quoted", "parenthesis", "unquoted"):
            if match[kind] is not None:
                yield Argument(match[kind], kind), line
        position = match.end()
        line += match[0].count("\n")


def _invalid(file: str, line: int, problem: str) -> BuildError:
    return BuildError(f"{file}:{line}: {problem}", hint="check that CMake accepts this file")


def body_of(commands: Sequence[Command], start: int) -> int:
    """Return the index of the command that ends the block that the command at `start` opens.

    :raises BuildError: the block has no end.
    """
    depth = 0
    for index in range(start, len(commands)):
        depth += commands[index].name in _OPENINGS
        depth -= commands[index].name in {f"end{name}" for name in _OPENINGS}
        if depth == 0:
            return index
    opening = commands[start]
    raise _invalid(opening.file, opening.line, f"end{opening.name}() is missing")


def evaluate(argument: Argument, lookup: Lookup) -> str:
    r"""Return the text of an argument, with variables and escapes replaced.

    A reference to a variable that only CMake knows remains as it is.

    >>> values = {"DIR": "src", "WHICH": "DIR"}
    >>> evaluate(Argument(r"${${WHICH}}/\"${X}\".cc", "quoted"), values.get)
    'src/"${X}".cc'
    """
    if argument.kind == "bracket":
        return argument.text
    pieces = re.split(r"(\\.)", argument.text, flags=re.DOTALL)
    return "".join(
        _unescaped(piece[1]) if index % 2 else replaced(piece, lookup)
        for index, piece in enumerate(pieces)
    )


def replaced(text: str, lookup: Lookup) -> str:
    """Replace the references to variables in a text, the innermost first."""

    def value(reference: re.Match[str]) -> str:
        found = lookup(reference[1])
        return f"\0{{{reference[1]}}}" if found is None else found

    while True:
        new = re.sub(r"\$\{([^${}\0]*)\}", value, text)
        if new == text:
            return text.replace("\0", "$")
        text = new


def _unescaped(character: str) -> str:
    if character == "\n":  # a line continuation
        return ""
    return {"n": "\n", "t": "\t", "r": "\r", ";": r"\;"}.get(character, character)


def expand(arguments: Sequence[Argument], lookup: Lookup) -> list[str]:
    """Return the values of arguments. An unquoted argument can expand to several values."""
    values: list[str] = []
    for argument in arguments:
        value = evaluate(argument, lookup)
        values += items_of(value) if argument.kind == "unquoted" else [value]
    return values


def items_of(value: str) -> list[str]:
    r"""Return the items of a list. A generator expression is one item.

    >>> items_of(r"a;b\;c;;$<IF:$<BOOL:x>,1;2>")
    ['a', 'b;c', '$<IF:$<BOOL:x>,1;2>']
    """
    items, depth = [""], 0
    for piece in re.findall(r"\\;|\$<|.", value, re.DOTALL):
        depth += (piece == "$<") - (piece == ">" and depth > 0)
        if piece == ";" and depth == 0:
            items.append("")
        else:
            items[-1] += ";" if piece == r"\;" else piece
    return [item for item in items if item]
