# SPDX-License-Identifier: Apache-2.0
"""Keeps the public names of a handwritten ``__init__.py`` when the generator adds names.

``tvm-ffi-stubgen`` appends a block that imports all names of ``_ffi_api`` and extends ``__all__``.
In a handwritten module, this block would replace handwritten functions that have the same name as
a generated function. It would also create an ``__all__`` without the handwritten names.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterable, Iterator

from .directives import ParsedFile, Piece
from .outline import handwritten_names


def blocks_to_replace(committed: ParsedFile, generated: ParsedFile) -> list[Piece]:
    """Return the blocks of `generated` that would change the public names of a handwritten module.

    The result omits each block that already exists in `committed`, if the block is empty there or
    contains lines that the generator wrote. In these cases, the project has accepted the public
    names that the generator adds.

    :param committed: the ``__init__.py`` in the source tree.
    :param generated: the same file after ``tvm-ffi-stubgen`` has rewritten it.
    """
    public = {n for n in _own_names(generated) if n == "__all__" or not n.startswith("_")}
    blocks = [block for block in generated.blocks if block.kind == "export"]
    kept = {
        block.block
        for block in committed.blocks
        if not block.interior or any("__all__" in line for line in block.interior)
    }
    return [block for block in blocks if public and block.block not in kept]


def replaced(file: ParsedFile, block: Piece, exported: Iterable[str]) -> str:
    """Rewrite a block so that it imports only names that the rest of the file does not define.

    :param block: a block of the file, see `blocks_to_replace`.
    :param exported: the names in the ``__all__`` of the module that the block imports.
    :returns: the text of the file with the new block.
    """
    imports = _imports(block.parameter, sorted(exported), _own_names(file))
    return "".join(
        line
        for piece in file.pieces
        for line in ((piece.lines[0], *imports, piece.lines[-1]) if piece is block else piece.lines)
    )


def _imports(module: str, names: list[str], own: set[str]) -> Iterator[str]:
    new = [name for name in names if name not in own]
    yield "# fmt: off\n# isort: off\n"
    if len(new) == len(names):
        yield f"from .{module} import *  # noqa: F403\n"
    elif new:
        yield f"from .{module} import (\n"
        yield from (f"    {name} as {name},\n" for name in new)
        yield ")\n"
    yield "# isort: on\n# fmt: on\n"


def exported_names(api: ParsedFile) -> list[str]:
    """Return the names in the ``__all__`` of a generated module."""
    for node in ast.parse(api.text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def _own_names(file: ParsedFile) -> set[str]:
    """Return the names that the code outside of blocks binds when the module is imported.

    If the module has a syntax error, the result is empty, and another check reports the error.
    """
    with contextlib.suppress(SyntaxError):
        return handwritten_names(file, at_run_time=True)
    return set()
