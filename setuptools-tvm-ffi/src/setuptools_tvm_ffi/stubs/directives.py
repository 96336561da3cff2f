# SPDX-License-Identifier: Apache-2.0
"""Parses comments with directives for ``tvm-ffi-stubgen``, and updates blocks in user files.

https://tvm.apache.org/ffi/packaging/stubgen.html describes the directives.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..base.errors import BuildError

#: The beginning of the first line of every ``.pyi`` file that the plugin writes.
SIGNATURE = "# Written by setuptools-tvm-ffi"

#: The name of the module that ``tvm-ffi-stubgen`` creates in the package of each registry prefix.
API_MODULE = "_ffi_api"
API_FILE = f"{API_MODULE}.py"

MARKER = "# tvm-ffi-stubgen("

BEGIN = MARKER + "begin):"
END = MARKER + "end)"
_SKIP_FILE = MARKER + "skip-file)"
_BLOCK_KINDS = ("global/", "object/", "export/")
_BLOCK_NAMES = ("import-section", "__all__")


@dataclass(frozen=True)
class Piece:
    """A part of a file: one line outside of blocks, or one block with its markers.

    :param lines: the lines, with line endings.
    :param block: the name of the block, such as ``global/my_package`` or ``__all__``.
    """

    lines: tuple[str, ...]
    line_number: int
    block: str | None = None

    @property
    def key(self) -> str:
        """The text that identifies the piece: the begin marker of a block, or the line itself."""
        return self.lines[0].strip() if self.block is not None else _without_end(self.lines[0])

    @property
    def interior(self) -> tuple[str, ...]:
        """The generated lines, which are between the markers of a block."""
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
    :param skipped: whether the file contains a ``skip-file`` directive. Such a file has no blocks.
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

    :param file: the name of the file, for messages.
    :raises BuildError: a block is unclosed, closed twice, nested or of an unknown kind, or a
        directive is malformed. In these cases, ``tvm-ffi-stubgen`` would skip the file without an
        error.
    """
    skipped = any(line.strip().startswith(_SKIP_FILE) for line in text.splitlines())
    pieces: list[Piece] = []
    open_lines: list[str] = []
    open_at, block = 0, ""
    number, next_number = 1, 1
    # tvm-ffi-stubgen uses `str.splitlines`, which splits at line breaks, form feeds and similar
    # characters. Split in the same way, but count only line breaks for line numbers.
    for line in text.splitlines(keepends=True):
        number, next_number = next_number, next_number + line.endswith(("\n", "\r"))
        directive = line.strip()
        if skipped:
            pieces.append(Piece((line,), number))
        elif directive.startswith(BEGIN):
            if open_lines:
                raise BuildError(
                    f"{file}:{number}: a block begins inside the unclosed block '{block}' of line "
                    f"{open_at}",
                    hint=f"add a line '{END}' before the second block",
                )
            block = directive[len(BEGIN) :].strip()
            if not block.startswith(_BLOCK_KINDS) and block not in _BLOCK_NAMES:
                known = ", ".join((*(f"{kind}…" for kind in _BLOCK_KINDS), *_BLOCK_NAMES))
                raise BuildError(
                    f"{file}:{number}: unknown block '{block}'", hint=f"known blocks: {known}"
                )
            open_lines, open_at = [line], number
        elif directive.startswith(END):
            if not open_lines:
                raise BuildError(
                    f"{file}:{number}: end marker without a begin marker",
                    hint=f"add a line '{BEGIN} …' before the block, or delete this line",
                )
            pieces.append(Piece((*open_lines, line), open_at, block))
            open_lines = []
        elif open_lines:
            open_lines.append(line)
        else:
            if directive.startswith(MARKER) and one_line_directive(directive) is None:
                raise BuildError(
                    f"{file}:{number}: malformed directive: {directive}",
                    hint=f"write a directive as '{MARKER}name): value'; begin a block with "
                    f"'{BEGIN} global/…' and end the block with '{END}'",
                )
            pieces.append(Piece((line,), number))
    if open_lines:
        raise BuildError(
            f"{file}:{open_at}: block '{block}' is not closed",
            hint=f"add a line '{END}' after the generated lines",
        )
    return ParsedFile(file, text, tuple(pieces), skipped)


def splice(original: ParsedFile, generated: ParsedFile) -> str:
    """Return the text of `original`, with the blocks and the appended lines of `generated`.

    ``tvm-ffi-stubgen`` rewrites whole files. It changes line endings and form feeds, and adds a
    missing final newline. The result of this function keeps every character of `original` outside
    of blocks.

    :param original: the user's file.
    :param generated: the same file after ``tvm-ffi-stubgen`` has rewritten it.

    :raises BuildError: the generator changed a line outside of the blocks.
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
            i += 1  # The generator removed a block, or the blank line before a block.
        elif j < len(new) and (i == len(old) or new[j].block is not None or not new[j].key.strip()):
            if result and not result[-1].endswith(("\n", "\r")):
                result.append(line_end)
            result += [_without_end(line) + line_end for line in new[j].lines]
            j += 1
        else:
            location = f"{original.name}:{old[i].line_number if i < len(old) else len(old)}"
            raise BuildError(
                f"{location}: tvm-ffi-stubgen changed a line outside of its blocks",
                hint="report this as a bug of setuptools-tvm-ffi and attach the file",
            )
    return "".join(result)


def _with_interior(old: Piece, new: Piece, line_end: str) -> list[str]:
    interior = [_without_end(line) for line in new.interior]
    if old.block is None or [_without_end(line) for line in old.interior] == interior:
        return list(old.lines)
    return [old.lines[0], *(line + line_end for line in interior), old.lines[-1]]


def _may_go(pieces: tuple[Piece, ...], index: int) -> bool:
    after = pieces[index + 1 : index + 2]
    is_blank_before_block = not pieces[index].key.strip() and any(p.block for p in after)
    return pieces[index].block is not None or is_blank_before_block


def _without_end(line: str) -> str:
    return line.splitlines()[0] if line else line


def one_line_directive(line: str) -> tuple[str, str] | None:
    """Return the name and value of a directive, or ``None`` if the line is not a directive.

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
