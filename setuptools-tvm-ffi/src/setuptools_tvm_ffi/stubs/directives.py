# SPDX-License-Identifier: Apache-2.0
"""The directive comments of ``tvm-ffi-stubgen``, and how its output is put into a person's file.

The directives are described at https://tvm.apache.org/ffi/packaging/stubgen.html.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..base.errors import BuildError

MARKER = "# tvm-ffi-stubgen("

BEGIN = MARKER + "begin):"
END = MARKER + "end)"
_SKIP_FILE = MARKER + "skip-file)"
_BLOCK_KINDS = ("global/", "object/", "export/")
_BLOCK_NAMES = ("import-section", "__all__")


class DirectiveError(BuildError):
    """A directive comment in a Python file is malformed."""


@dataclass(frozen=True)
class Piece:
    """One line of a person's, or one block from its begin to its end marker.

    `lines` carry their line ends.
    """

    lines: tuple[str, ...]
    line_number: int
    block: str | None = None  #: ``global/my_package``, ``__all__`` …

    @property
    def key(self) -> str:
        """What tells this piece from others: the text of a line, the name of a block."""
        return self.lines[0].strip() if self.block is not None else _without_end(self.lines[0])

    @property
    def interior(self) -> tuple[str, ...]:
        """The generated lines of a block."""
        return self.lines[1:-1]

    @property
    def line_numbers(self) -> range:
        """The line numbers of this piece in its file."""
        return range(self.line_number, self.line_number + len(self.lines))

    @property
    def kind(self) -> str:
        """The part of a block's name before the slash: ``global``, ``object`` or ``export``."""
        return (self.block or "").partition("/")[0]

    @property
    def parameter(self) -> str:
        """The part of a block's name after the slash, such as a type key."""
        return (self.block or "").partition("/")[2]

    @property
    def prefix(self) -> str:
        """The registry prefix of a ``global/`` block, with a trailing dot."""
        return self.parameter.partition("@")[0] + "."


@dataclass(frozen=True)
class ParsedFile:
    """A file with directives.

    :param name: the name of the file, for messages.
    :param skipped: whether a ``skip-file`` directive excludes the file; it has no blocks then.
    """

    name: str
    text: str
    pieces: tuple[Piece, ...]
    skipped: bool

    @property
    def blocks(self) -> list[Piece]:
        """The blocks of the file, in order."""
        return [piece for piece in self.pieces if piece.block is not None]


def parse(text: str, file: str) -> ParsedFile:
    """Split a file into lines and blocks.

    :param file: the file's name, for messages.
    :raises DirectiveError: a block that is not closed, closed twice, nested or of no known kind,
        or a comment that begins like a directive and is none. Upstream passes over such a file.
    """
    skipped = any(line.strip().startswith(_SKIP_FILE) for line in text.splitlines())
    pieces: list[Piece] = []
    open_lines: list[str] = []
    open_at, block = 0, ""
    number, next_number = 1, 1
    # `str.splitlines` also splits at form feeds and the like, as upstream does.
    for line in text.splitlines(keepends=True):
        number, next_number = next_number, next_number + line.endswith(("\n", "\r"))
        directive = line.strip()
        if skipped:
            pieces.append(Piece((line,), number))
        elif directive.startswith(BEGIN):
            if open_lines:
                raise DirectiveError(
                    f"{file}:{number}: block begins inside '{block}', which begins in line "
                    f"{open_at} and is not closed",
                    hint=f"put a line '{END}' before it",
                )
            block = directive[len(BEGIN) :].strip()
            if not block.startswith(_BLOCK_KINDS) and block not in _BLOCK_NAMES:
                known = ", ".join((*(f"{kind}…" for kind in _BLOCK_KINDS), *_BLOCK_NAMES))
                raise DirectiveError(
                    f"{file}:{number}: unknown block '{block}'", hint=f"known are: {known}"
                )
            open_lines, open_at = [line], number
        elif directive.startswith(END):
            if not open_lines:
                raise DirectiveError(
                    f"{file}:{number}: block ends here and begins nowhere",
                    hint=f"put '{BEGIN} …' before it, or delete the line",
                )
            pieces.append(Piece((*open_lines, line), open_at, block))
            open_lines = []
        elif open_lines:
            open_lines.append(line)
        else:
            if directive.startswith(MARKER) and one_line_directive(directive) is None:
                raise DirectiveError(
                    f"{file}:{number}: malformed directive: {directive}",
                    hint=f"a directive reads '{MARKER}name): value', a block begins with "
                    f"'{BEGIN} global/…' and ends with '{END}'",
                )
            pieces.append(Piece((line,), number))
    if open_lines:
        raise DirectiveError(
            f"{file}:{open_at}: block '{block}' is not closed",
            hint=f"put a line '{END}' where the generated part is to end",
        )
    return ParsedFile(file, text, tuple(pieces), skipped)


def splice(original: ParsedFile, generated: ParsedFile) -> str:
    """Return `original` with the blocks of `generated`, and what was appended, put in.

    Upstream reads and writes whole files: line ends, form feeds and a missing last newline come
    out changed. Here every character outside the blocks stays the user's.

    :raises BuildError: the generator changed a line outside a block.
    """
    if original.skipped:
        return original.text
    old, new = original.pieces, generated.pieces
    line_end = "\r\n" if "\r\n" in original.text else "\n"
    result: list[str] = []
    i = j = 0
    while i < len(old) or j < len(new):
        if i < len(old) and j < len(new) and old[i].key == new[j].key:
            result += _with_interior(old[i], new[j], line_end)
            i, j = i + 1, j + 1
        elif i < len(old) and _may_go(old, i):
            i += 1  # a block whose type is registered no more, and the blank line before it
        elif j < len(new) and (i == len(old) or _may_come(new[j])):
            if result and not result[-1].endswith(("\n", "\r")):
                result.append(line_end)
            result += [_without_end(line) + line_end for line in new[j].lines]
            j += 1
        else:
            place = f"{original.name}:{old[i].line_number if i < len(old) else len(old)}"
            raise BuildError(
                f"{place}: tvm-ffi-stubgen changed a line outside its blocks",
                hint="please report it, with the file",
            )
    return "".join(result)


def _with_interior(old: Piece, new: Piece, line_end: str) -> list[str]:
    if old.block is None:
        return list(old.lines)
    same = [_without_end(a) for a in old.interior] == [_without_end(b) for b in new.interior]
    if same:
        return list(old.lines)
    interior = [_without_end(line) + line_end for line in new.interior]
    return [old.lines[0], *interior, old.lines[-1]]


def _may_go(pieces: tuple[Piece, ...], index: int) -> bool:
    if pieces[index].block is not None:
        return True
    before_block = index + 1 < len(pieces) and pieces[index + 1].block is not None
    return before_block and not pieces[index].key.strip()


def _may_come(piece: Piece) -> bool:
    return piece.block is not None or not piece.key.strip()


def _without_end(line: str) -> str:
    return line.splitlines()[0] if line else line


def one_line_directive(line: str) -> tuple[str, str] | None:
    """Return name and value of a directive that is no block's, ``None`` for any other line.

    >>> one_line_directive("# tvm-ffi-stubgen(ty-map): a.B -> c.D")
    ('ty-map', 'a.B -> c.D')
    """
    directive = line.strip()
    if not directive.startswith(MARKER):
        return None
    name, closed, value = directive[len(MARKER) :].partition("):")
    if not closed or not name.replace("-", "_").isidentifier():
        return None
    return name, value.strip()
