# SPDX-License-Identifier: Apache-2.0
"""Splits the text of a `CMakeLists.txt` into commands, and expands their arguments.

CMake's manual describes the grammar:
https://cmake.org/cmake/help/latest/manual/cmake-language.7.html
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Optional

from ..base.errors import BuildError

_TOKEN = re.compile(
    r"""
      (?P<skipped> [ \t\r\n]+ | \#\[(?P<c>=*)\[.*?\](?P=c)\] | \#[^\n]* )
    | \[(?P<b>=*)\[\n?(?P<bracket>.*?)\](?P=b)\]
    | "(?P<quoted>(?:[^"\\]|\\.)*)"
    | (?P<parenthesis>[()])
    | (?P<unquoted>(?:[^\s()#"\\]|\\.|"(?:[^"\\]|\\.)*")+)
    | (?P<invalid>.)
    """,
    re.VERBOSE | re.DOTALL,
)
#: The commands that open a block.
BLOCKS = {"if", "foreach", "while", "function", "macro", "block"}
_SHOWN = 100  # In remarks, the text of a command is shortened to this number of characters.
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", ";": r"\;", "\n": ""}

#: A function that returns the value of a variable. The value is None if only CMake knows the value,
#: and "" if the variable is undefined.
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
    """A command in a `CMakeLists.txt`.

    :param name: the name in lower case.
    :param text: the source text of the command, shortened to one line.
    :param body: the commands in the block that the command opens. The body of ``if`` also contains
        the commands ``elseif`` and ``else``.
    """

    name: str
    arguments: tuple[Argument, ...]
    text: str
    file: str
    line: int
    body: list[Command] = field(default_factory=list)


def parse(text: str, file: str) -> list[Command]:
    """Return the commands of a file.

    :param file: the name of the file, for messages.
    :raises BuildError: the text is not valid CMake.
    """
    blocks = [Command("", (), "", file, 1)]
    tokens = (token for token in _TOKEN.finditer(text) if token.lastgroup != "skipped")
    for name in tokens:
        line = 1 + text.count("\n", 0, name.start())
        arguments: list[Argument] = []
        depth, end = 0, name
        for end in tokens:
            depth += {"(": 1, ")": -1}.get(end["parenthesis"] or "", 0)
            if depth < 1 or end.lastgroup == "invalid":
                break
            arguments.append(Argument(end[end.lastgroup or 0], end.lastgroup or ""))
        if name.lastgroup != "unquoted" or depth or end[0] != ")":
            raise _invalid(
                file, line, f"not a command of CMake, or a command without ')': {name[0]}"
            )
        lower = name[0].lower()
        if lower == f"end{blocks[-1].name}":
            blocks.pop()
            continue
        shown = textwrap.shorten(text[name.start() : end.end()], _SHOWN, placeholder=" …)")
        blocks[-1].body.append(Command(lower, tuple(arguments[1:]), shown, file, line))
        if lower in BLOCKS:
            blocks.append(blocks[-1].body[-1])
    if len(blocks) > 1:
        raise _invalid(file, blocks[-1].line, f"end{blocks[-1].name}() is missing")
    return blocks[0].body


def _invalid(file: str, line: int, problem: str) -> BuildError:
    return BuildError(f"{file}:{line}: {problem}", hint="check that CMake accepts this file")


def expand(arguments: Sequence[Argument], lookup: Lookup) -> list[Argument]:
    r"""Replace variables and escapes. An unquoted argument can become several arguments or none.

    If only CMake knows the value of a variable, the reference to the variable remains in the text.

    >>> values = {"DIR": "src", "WHICH": "DIR"}
    >>> expand([Argument(r"${${WHICH}}/\"${X}\".cc", "quoted")], values.get)
    [Argument(text='src/"${X}".cc', kind='quoted')]
    """
    found: list[Argument] = []
    for argument in arguments:
        pieces = re.split(r"\\(.)", argument.text, flags=re.DOTALL)
        pieces[::2] = [_replaced(piece, lookup) for piece in pieces[::2]]
        pieces[1::2] = [_ESCAPED.get(character, character) for character in pieces[1::2]]
        value = argument.text if argument.kind == "bracket" else "".join(pieces)
        values = items_of(value) if argument.kind == "unquoted" else [value]
        found += [Argument(one, argument.kind) for one in values]
    return found


def _replaced(text: str, lookup: Lookup) -> str:
    """Replace the references to variables, the innermost first."""

    def value(reference: re.Match[str]) -> str:
        found = lookup(reference[1])
        return f"\0{{{reference[1]}}}" if found is None else found

    while True:
        new = re.sub(r"\$\{([^${}\0]*)\}", value, text)
        if new == text:
            return text.replace("\0", "$")
        text = new


def items_of(value: str) -> list[str]:
    r"""Return the items of a CMake list.

    A semicolon inside a generator expression does not separate items.

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
