# SPDX-License-Identifier: Apache-2.0
"""The code blocks of the manual: what each block is checked against, and a script that runs them.

HTML comments on the lines before a fence declare how the block is checked:

``<!-- file: csrc/a.cc -->``
    The block is written to this file, relative to the shell's folder.
``<!-- append: pyproject.toml -->``
    The block is added to the end of this file.
``<!-- from: examples/a/csrc/a.cc -->``
    The block quotes this file of the repository. The indentation may differ.
``<!-- checked by: tests/test_a.py -->``
    This test checks the block.
``<!-- not run: REASON -->``
    Nothing checks the block, for a reason such as `HIP`.
``<!-- needs: gdb -->``
    The block is run if this program or Python package is installed.
``<!-- fails -->``
    The block's last command exits with a status other than 0.

``<!-- project: empty -->`` starts a project: the blocks below it run in order, in one shell, in a
new folder. ``<!-- project: examples/a -->`` copies that folder of the repository. In a project,
blocks in `sh`, `console` and `python` are run without a comment of their own. In a `console` block,
the lines below a command must occur in its output, in this order. Python blocks with ``>>>`` are
doctests. In both, ``…`` stands for any text.
"""

from __future__ import annotations

import fnmatch
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from environments import REPOSITORY

DOCS = REPOSITORY / "docs"

#: Languages whose blocks are run in a project.
RUN = frozenset({"sh", "console", "python"})
#: Languages whose blocks need a comment outside of a project, or if they cannot be run.
CODE = RUN | {"c", "cpp", "cuda", "hip"}
#: Languages of blocks that only show something. Blocks in TOML are always parsed.
SHOWN = frozenset({"", "text", "cmake", "diff", "json", "mermaid", "toml", "yaml"})

MARKERS = frozenset({"file", "append", "from", "checked by", "not run", "needs", "fails"})
_COMMENT = re.compile(r"<!-- ([a-z ]+?)(?:: (.*?))? -->")
_FENCE = re.compile(r"( *)```([a-z]*)")
_MARK = "@@ command "


@dataclass(frozen=True)
class Block:
    """A fenced block.

    :param line: the number of the line with the fence.
    :param markers: the comments before the fence.
    """

    page: Path
    line: int
    language: str
    text: str
    markers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"

    @property
    def is_run(self) -> bool:
        """Whether the script of a project contains the block."""
        if {"file", "append"} & set(self.markers):
            return True
        return self.language in RUN and not {"from", "checked by", "not run"} & set(self.markers)


@dataclass(frozen=True)
class Section:
    """The blocks of a page below one ``<!-- project: … -->``, or those before the first.

    :param project: a folder of the repository, "empty", or ``None`` for the blocks before the first
        comment.
    """

    page: Path
    project: str | None
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True)
class Command:
    """A command of the script.

    :param expected: lines of its output.
    """

    block: Block
    text: str
    expected: list[str] = field(default_factory=list)


def pages() -> list[Path]:
    """Return the pages of the manual."""
    return sorted(DOCS.rglob("*.md"))


def sections(page: Path) -> list[Section]:
    """Return the blocks of a page.

    :raises ValueError: a comment looks like a marker but is none, or a fence is not closed.
    """
    found = [Section(page, None)]
    markers: dict[str, str] = {}
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))
    for number, line in lines:
        comment, fence = _COMMENT.fullmatch(line.strip()), _FENCE.fullmatch(line)
        if comment and comment[1] == "project":
            found.append(Section(page, comment[2]))
        elif comment:
            markers[comment[1]] = comment[2] or ""
        elif fence:
            if not set(markers) <= MARKERS:
                raise ValueError(f"{page.name}:{number}: unknown comment {sorted(markers)}")
            text = "".join(_until_the_fence(lines, fence[1], f"{page.name}:{number}"))
            found[-1].blocks.append(Block(page, number, fence[2], text, markers))
            markers = {}
        elif line.strip():
            markers = {}
    return found


def _until_the_fence(lines: Iterator[tuple[int, str]], indent: str, place: str) -> Iterator[str]:
    for _, line in lines:
        if line == f"{indent}```":
            return
        yield line.removeprefix(indent) + "\n"
    raise ValueError(f"{place}: the block has no end")


def commands(block: Block) -> Iterator[Command]:
    """Yield the shell commands that a block stands for."""
    where = {kind: block.markers.get(kind) for kind in ("file", "append")}
    if target := where["file"] or where["append"]:
        folder = f"mkdir -p \"$(dirname '{target}')\""
        yield Command(
            block, f"{folder}\n{_here(block.text, '>' if where['file'] else '>>', target)}"
        )
    elif block.language == "python":
        is_doctest = ">>> " in block.text
        script = f"$SCRATCH/line-{block.line}.{'txt' if is_doctest else 'py'}"
        runner = "python -m doctest -o ELLIPSIS" if is_doctest else "python"
        text = block.text.replace("…", "...") if is_doctest else block.text
        yield Command(block, f'{_here(text, ">", script)}\n{runner} "{script}"')
    elif block.language == "sh":
        yield Command(block, block.text)
    else:
        yield from _console(block)


def _here(text: str, operator: str, file: str) -> str:
    return f"cat {operator} \"{file}\" <<'END OF BLOCK'\n{text}END OF BLOCK"


def _console(block: Block) -> Iterator[Command]:
    words: list[str] = []
    expected: list[str] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if words:
                yield Command(block, "\n".join(words), expected)
            words, expected = [line[2:]], []
        elif line.startswith("> ") and not expected:
            words.append(line[2:])
        elif words and words[-1].endswith("\\"):
            words.append(line)
        else:
            expected.append(line)
    yield Command(block, "\n".join(words), expected)


def script(commands: Iterable[Command]) -> str:
    """Return a shell script that runs commands and prints a line before each."""
    parts = ["set -euo pipefail\n"]
    steps = list(commands)
    for number, command in enumerate(steps):
        parts.append(f"echo; echo '{_MARK}{number}'\n")
        last = number + 1 == len(steps) or steps[number + 1].block is not command.block
        if last and "fails" in command.block.markers:
            parts.append(f"if {{\n{command.text}\n}}; then echo 'it did not fail'; exit 1; fi\n")
        else:
            parts.append(f"{command.text}\n")
    return "".join(parts)


def outputs(printed: str) -> list[str]:
    """Split the output of a script into the outputs of its commands."""
    return re.split(rf"^{_MARK}\d+\n", printed, flags=re.MULTILINE)[1:]


def missing_line(expected: Iterable[str], output: str) -> str | None:
    """Return the first expected line that the output lacks.

    >>> missing_line(["a…c", "…", "e"], "x\\nabc\\nd\\ne")
    >>> missing_line(["e", "abc"], "x\\nabc\\nd\\ne")
    'abc'
    """
    lines = iter(output.splitlines())
    for line in expected:
        if not line.strip():
            continue
        pattern = "*".join(re.sub(r"([*?[])", r"[\1]", part) for part in line.rstrip().split("…"))
        if not any(fnmatch.fnmatchcase(each.rstrip(), pattern) for each in lines):
            return line
    return None


def contains(file: Path, text: str) -> bool:
    """Whether a file contains the lines of a text, but for indentation."""
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    wanted = [line.strip() for line in textwrap.dedent(text).splitlines()]
    starts = range(len(lines) - len(wanted) + 1)
    return any(lines[start : start + len(wanted)] == wanted for start in starts)
