# SPDX-License-Identifier: Apache-2.0
"""What a generated module consists of, and what in it is a person's: read from its source.

A type checker that finds a ``.pyi`` does not look into the ``.py``. So what a person has written
there has to be in the ``.pyi``, too; where that cannot be, there must be none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import directives

_PLACEHOLDER = "FFI binding for `{key}`."


class NoOutlineError(Exception):
    """A module does things that a stub cannot repeat.

    :param line: where, counted from one.
    """

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


@dataclass
class ClassOutline:
    """A class with an ``object/`` block.

    :param doc: a person's docstring.
    :param own: definitions of a person's, as the stub has them.
    :param own_names: what they define.
    """

    name: str
    key: str
    doc: str | None
    own: list[str] = field(default_factory=list)
    own_names: set[str] = field(default_factory=set)


@dataclass
class Outline:
    """A module with generated blocks.

    :param prefixes: those of its ``global/`` blocks, with a dot at the end.
    :param library: the target that is loaded as ``LIB``; empty where ``LIB`` is something else.
    :param exported: ``__all__``; ``None`` where there is none.
    :param type_map: ``ty-map`` directives.
    """

    doc: str | None = None
    prefixes: list[str] = field(default_factory=list)
    classes: list[ClassOutline] = field(default_factory=list)
    library: str | None = None
    exported: list[str] | None = None
    imports: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    own_names: set[str] = field(default_factory=set)
    type_map: dict[str, str] = field(default_factory=dict)


def outline(text: str, file: str) -> Outline:
    """Return the outline of a module that compiles.

    :raises NoOutlineError: something stands outside of its blocks that no stub could hold.
    """
    tree = ast.parse(text)
    result = Outline(doc=ast.get_docstring(tree, clean=True))
    ranges: dict[range, str] = {}
    for piece in directives.parse(text, file):
        if piece.block is not None:
            ranges[range(piece.line_number, piece.line_number + len(piece.lines))] = piece.block
        elif (found := directives.one_line_directive(piece.key)) is not None:
            name, value = found
            source, arrow, target = value.partition("->")
            if name == "ty-map" and arrow:
                result.type_map[source.strip()] = target.strip()
    for block in ranges.values():
        kind, _, parameter = block.partition("/")
        if kind == "global":
            result.prefixes.append(parameter.partition("@")[0] + ".")

    def block_at(line: int) -> str | None:
        return next((block for lines, block in ranges.items() if line in lines), None)

    keys = _keys(tree, ranges)
    for node in tree.body:
        if block_at(node.lineno) is None and not _is_docstring(node):
            _add(result, node, ranges, keys)
    return result


def has_no_code(text: str, file: str) -> bool:
    """Whether a module is its docstring and its blocks alone."""
    try:
        found = outline(text, file)
    except NoOutlineError:
        return False
    return not (found.own or found.imports or found.classes or found.exported is not None)


def _add(result: Outline, node: ast.stmt, blocks: dict[range, str], keys: dict[int, str]) -> None:
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        return
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        result.imports.append(ast.unparse(node))
    elif isinstance(node, ast.If) and _is_type_checking(node):
        for statement in node.body:
            _add(result, statement, blocks, keys)
    elif isinstance(node, ast.ClassDef) and (key := keys.get(node.lineno, "")):
        result.classes.append(_class(node, key, blocks))
    elif isinstance(node, ast.Assign) and _target(node) == "LIB":
        result.library = _loaded_target(node.value)
    elif isinstance(node, ast.Assign) and _target(node) == "__all__":
        result.exported = _strings(node.value)
    else:
        lines, names = _definition(node)
        result.own += lines
        result.own_names |= names


def _class(node: ast.ClassDef, key: str, blocks: dict[range, str]) -> ClassOutline:
    if len(node.bases) > 1 or node.keywords:
        raise NoOutlineError(node.lineno, f"class {node.name} has bases of its own")
    doc = ast.get_docstring(node, clean=True)
    result = ClassOutline(node.name, key, None if doc == _PLACEHOLDER.format(key=key) else doc)
    for statement in node.body:
        generated = any(statement.lineno in lines for lines in blocks)
        if generated or _is_docstring(statement) or isinstance(statement, ast.Pass):
            continue
        if isinstance(statement, ast.Assign) and _target(statement) == "__slots__":
            continue
        lines, names = _definition(statement)
        result.own += lines
        result.own_names |= names
    return result


def _keys(tree: ast.Module, blocks: dict[range, str]) -> dict[int, str]:
    """Return the type key of each class with an ``object/`` block, by the class's line.

    A block may hold nothing but comments, and then belongs to the class above it.
    """
    result = {}
    for lines, block in blocks.items():
        kind, _, key = block.partition("/")
        above = [node for node in tree.body if node.lineno < lines.start]
        if kind == "object" and above and isinstance(above[-1], ast.ClassDef):
            result[above[-1].lineno] = key
    return result


def _definition(node: ast.stmt) -> tuple[list[str], set[str]]:
    """Return the lines by which a stub repeats a statement, and the names it defines."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        doc = ast.get_docstring(node, clean=False)
        body: ast.expr = ast.Constant(... if doc is None else doc)
        node.body = [ast.Expr(body)]
        return ast.unparse(node).splitlines(), {node.name}
    if isinstance(node, ast.ClassDef):
        lines: list[str] = []
        for statement in node.body:
            if not _is_docstring(statement) and not isinstance(statement, ast.Pass):
                lines += _definition(statement)[0]
        node.body = [ast.Pass()]
        head = ast.unparse(node).splitlines()[:-1]
        return [*head, *(f"    {line}" for line in lines or ["..."])], {node.name}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [f"{node.target.id}: {ast.unparse(node.annotation)}"], {node.target.id}
    if isinstance(node, ast.Assign) and (name := _target(node)):
        if isinstance(node.value, (ast.Name, ast.Attribute)):
            return [ast.unparse(node)], {name}
        if isinstance(node.value, ast.Constant) and node.value.value is not None:
            return [f"{name}: {type(node.value.value).__name__}"], {name}
    raise NoOutlineError(node.lineno, "no stub can repeat this statement")


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_type_checking(node: ast.If) -> bool:
    return not node.orelse and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING"


def _target(node: ast.Assign) -> str:
    (target, *more) = node.targets
    return target.id if isinstance(target, ast.Name) and not more else ""


def _loaded_target(value: ast.expr) -> str:
    strings = [a.value for a in getattr(value, "args", ()) if isinstance(a, ast.Constant)]
    return str(strings[1]) if isinstance(value, ast.Call) and len(strings) > 1 else ""


def _strings(value: ast.expr) -> list[str]:
    return list(_constants(value))


def _constants(value: ast.expr) -> Iterator[str]:
    if not isinstance(value, (ast.List, ast.Tuple)):
        raise NoOutlineError(value.lineno, "__all__ is no list")
    for element in value.elts:
        if not isinstance(element, ast.Constant) or not isinstance(element.value, str):
            raise NoOutlineError(element.lineno, "__all__ holds something that is no string")
        yield element.value
