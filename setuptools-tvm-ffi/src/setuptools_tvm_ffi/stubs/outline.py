# SPDX-License-Identifier: Apache-2.0
"""Reads generated modules, and separates the generated parts from the handwritten parts.

If a type checker finds a ``.pyi`` file, it ignores the ``.py`` file. The ``.pyi`` file must
therefore repeat the handwritten definitions. If this is impossible for one definition, the build
must not write the ``.pyi`` file.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from .directives import BEGIN, END, ParsedFile, Piece, one_line_directive

_INITIALIZE = "init_ffi_api"
# Stubs of handwritten modules import `typing.Any` under this name.
_ANY = "_Any"
_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_PLACEHOLDER = "FFI binding for `{key}`."


class NoOutlineError(Exception):
    """A module contains handwritten code that a stub cannot repeat.

    :param line: the line number of this code.
    :param what: why a stub cannot repeat this code.
    """

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


@dataclass
class ClassOutline:
    """A class with an ``object/`` block, or a handwritten class with ``register_object``.

    :param key: the type key.
    :param doc: the handwritten docstring, if there is one.
    :param own: the lines to write into the stub for the handwritten definitions.
    :param own_names: the names of the handwritten definitions.
    :param whole: for a handwritten class, the lines to write into the stub for the whole class if
        the library does not register the type.
    """

    name: str
    key: str
    doc: str | None
    own: list[str] = field(default_factory=list)
    own_names: set[str] = field(default_factory=set)
    whole: list[str] = field(default_factory=list)


@dataclass
class Outline:
    """A module with generated blocks.

    :param prefixes: the registry prefixes of the ``global/`` blocks, and the result of
        `initialized_prefixes`. Each prefix has a trailing dot.
    :param library: the name of the library that the module loads as ``LIB``; empty if this name is
        unknown; ``None`` if the module loads no library.
    :param exported: the names in ``__all__``; ``None`` if the module does not define ``__all__``.
    :param imports: the handwritten imports, and the generated imports that ``own`` needs.
    :param imported_names: the names that ``imports`` binds.
    :param own: the lines to write into the stub for the handwritten definitions.
    :param own_names: the names of the handwritten definitions.
    :param has_code: whether the module contains more than a docstring and blocks.
    """

    doc: str | None = None
    has_code: bool = False
    prefixes: list[str] = field(default_factory=list)
    classes: list[ClassOutline] = field(default_factory=list)
    library: str | None = None
    exported: list[str] | None = None
    imports: list[str] = field(default_factory=list)
    imported_names: set[str] = field(default_factory=set)
    own: list[str] = field(default_factory=list)
    own_names: set[str] = field(default_factory=set)


def type_map(file: ParsedFile) -> dict[str, str]:
    """Return the dotted Python name for each type key in the ``ty-map`` directives of a file."""
    result = {}
    for piece in file.pieces:
        found = None if piece.block is not None else one_line_directive(piece.key)
        if found is not None and found[0] == "ty-map":
            source, arrow, target = found[1].partition("->")
            if arrow:
                result[source.strip()] = target.strip()
    return result


def loaded_library(file: ParsedFile) -> tuple[int, str, str] | None:
    """Find the statement that loads ``LIB`` in a module.

    :returns: the line number, the distribution and the library's name; ``None`` if the module does
        not load ``LIB``, or has a syntax error.
    """
    try:
        tree = ast.parse(file.text)
    except SyntaxError:
        return None
    for node in tree.body:
        name, value = _assigned(node) or ("", None)
        loaded = _loaded(value) if value is not None and name == "LIB" else None
        if loaded is not None:
            return (node.lineno, *loaded)
    return None


def initialized_prefixes(file: ParsedFile) -> list[str]:
    """Return the registry prefixes that handwritten code passes to ``init_ffi_api``.

    At run time, ``tvm_ffi.init_ffi_api("prefix", __name__)`` adds all functions of a prefix to a
    module. The generator writes such calls, too, but only inside blocks.

    :returns: the prefixes, with a trailing dot. The list is empty if the module has a syntax error.
    """
    try:
        tree = ast.parse(file.text)
    except SyntaxError:
        return []
    generated = {number for block in file.blocks for number in block.line_numbers}
    names = {_INITIALIZE}
    prefixes = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            names |= {a.asname for a in node.names if a.name == _INITIALIZE and a.asname}
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            named = {keyword.arg: keyword.value for keyword in call.keywords}
            first = call.args[0] if call.args else named.get("namespace")
            if (
                ast.unparse(call.func).rpartition(".")[2] in names
                and node.lineno not in generated
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                prefixes.append(f"{first.value}.")
    return prefixes


def with_import_section(file: ParsedFile) -> str:
    """Add an empty ``import-section`` block to the text of a handwritten module.

    ``tvm-ffi-stubgen`` writes a ``__future__`` import into this block. The import must precede all
    other code, but ``tvm-ffi-stubgen`` appends the block to the end of a module that has no blocks.
    This function therefore adds the block before the module's own code.
    """
    try:
        body = ast.parse(file.text).body
    except SyntaxError:
        return file.text
    start = 0
    for node in body:
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not future and not _is_docstring(node):
            break
        start = node.end_lineno or 0
    else:
        return file.text
    # Do not use `str.splitlines`: for the parser, only line breaks end a line.
    lines = file.text.split("\n")
    return "\n".join([*lines[:start], f"{BEGIN} import-section", END, *lines[start:]])


def outline(file: ParsedFile) -> Outline:
    """Return the outline of a module. The module must have no syntax errors.

    :raises NoOutlineError: a stub cannot repeat some of the handwritten code.
    """
    return _Reader(file).outline


def class_names(file: ParsedFile) -> dict[str, str]:
    """Map the type key of each class that has a `ClassOutline` to the name of the class."""
    tree = ast.parse(file.text)
    lines = {node.lineno: node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    keys = {**_keys(tree, file.blocks), **_registered_by_hand(file, tree)}
    return {key: lines[line] for line, key in keys.items()}


def handwritten_names(file: ParsedFile, *, at_run_time: bool = False) -> set[str]:
    """Return the names that the code outside of blocks defines.

    For a member of a class, the name is ``<class>.<member>``.

    :param at_run_time: whether to omit names that are defined for type checkers only.
    :raises SyntaxError: the module has a syntax error.
    """
    generated = {line for block in file.blocks for line in block.line_numbers}
    return set(_defined_names(ast.parse(file.text).body, generated, at_run_time=at_run_time))


def _defined_names(
    nodes: Iterable[ast.AST], generated: Container[int], *, at_run_time: bool
) -> Iterator[str]:
    for node in nodes:
        inner: Iterable[ast.AST] = ()
        if getattr(node, "lineno", 0) in generated:
            continue
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
            if isinstance(node, ast.ClassDef):
                members = _defined_names(node.body, generated, at_run_time=at_run_time)
                yield from (f"{node.name}.{member}" for member in members)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            if getattr(node, "module", None) != "__future__":
                yield from (name for name, _ in _bound(node))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif at_run_time and isinstance(node, ast.If) and _is_for_type_checkers(node):
            inner = node.orelse
        elif not isinstance(node, _SCOPES):
            inner = ast.iter_child_nodes(node)
        yield from _defined_names(inner, generated, at_run_time=at_run_time)


def _is_for_type_checkers(node: ast.If) -> bool:
    is_name = isinstance(node.test, (ast.Name, ast.Attribute))
    return is_name and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING"


class _Reader:
    def __init__(self, file: ParsedFile) -> None:
        tree = ast.parse(file.text)
        self._blocks = file.blocks
        initialized = initialized_prefixes(file)
        self._is_handwritten = bool(initialized)
        self.outline = Outline(
            doc=ast.get_docstring(tree, clean=True),
            prefixes=[
                *(block.prefix for block in self._blocks if block.kind == "global"),
                *initialized,
            ],
        )
        self._definitions: list[ast.stmt] = []  # handwritten statements that the stub repeats
        self._generated_imports: dict[str, str] = {}
        self._bases: list[tuple[str, int]] = []
        by_hand = _registered_by_hand(file, tree)
        keys = {**_keys(tree, self._blocks), **by_hand}
        for node in tree.body:
            if self._is_generated(node):
                self._note_imports(node)
            elif not _is_docstring(node):
                self._add(node, keys)
                if isinstance(node, ast.ClassDef) and node.lineno in by_hand:
                    self.outline.classes[-1].whole = _definition(node)[0]
        for base, line in self._bases:
            if base in self.outline.own_names:
                raise NoOutlineError(line, f"a generated class derives from {base}")
        self._add_needed_imports()

    def _is_generated(self, node: ast.stmt) -> bool:
        return any(node.lineno in block.line_numbers for block in self._blocks)

    def _add(self, node: ast.stmt, keys: dict[int, str]) -> None:
        result = self.outline
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return
        result.has_code = True
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name, alone in _bound(node):
                result.imports.append(alone)
                result.imported_names.add(name)
        elif isinstance(node, ast.If) and not node.orelse and _is_for_type_checkers(node):
            for statement in node.body:
                self._add(statement, keys)
        elif isinstance(node, ast.ClassDef) and (key := keys.get(node.lineno, "")):
            result.classes.append(self._class(node, key))
        else:
            name, value = _assigned(node) or ("", ast.Constant(None))
            plain = isinstance(node, ast.Assign)
            loaded = _loaded(value) if name == "LIB" and plain else None
            if loaded is not None:
                result.library = loaded[1]
            elif name == "__all__":
                result.exported = _strings(value)
            elif name and self._is_handwritten and not _is_repeatable(node):
                # Declare the name with the type `Any`, so that the build can write a `.pyi` file.
                # Without this file, type checkers would not find the registered functions.
                result.own.append(f"{name}: {_ANY}")
                result.own_names.add(name)
                if _ANY not in result.imported_names:
                    result.imports.append(f"from typing import Any as {_ANY}")
                    result.imported_names.add(_ANY)
            else:
                self._define(node, result)

    def _class(self, node: ast.ClassDef, key: str) -> ClassOutline:
        if len(node.bases) > 1 or node.keywords:
            raise NoOutlineError(node.lineno, f"class {node.name} has additional bases")
        self._bases += [(ast.unparse(base), node.lineno) for base in node.bases]
        doc = ast.get_docstring(node, clean=True)
        result = ClassOutline(node.name, key, None if doc == _PLACEHOLDER.format(key=key) else doc)
        for statement in node.body:
            assigned = _assigned(statement)
            if not (
                self._is_generated(statement)
                or _is_docstring(statement)
                or isinstance(statement, ast.Pass)
                or (assigned and assigned[0] == "__slots__")
            ):
                self._define(statement, result)
        return result

    def _define(self, node: ast.stmt, result: Outline | ClassOutline) -> None:
        lines, names = _definition(node)
        self._definitions.append(node)
        result.own += lines
        result.own_names |= names

    def _note_imports(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._generated_imports.update(_bound(node))
        elif isinstance(node, ast.If):
            for statement in node.body:
                self._note_imports(statement)

    def _add_needed_imports(self) -> None:
        """Add the generated imports that handwritten definitions use."""
        used = {
            name.id
            for definition in self._definitions
            for name in ast.walk(definition)
            if isinstance(name, ast.Name)
        }
        for name in sorted(used & set(self._generated_imports)):
            self.outline.imports.append(self._generated_imports[name])
            self.outline.imported_names.add(name)


def _keys(tree: ast.Module, blocks: Iterable[Piece]) -> dict[int, str]:
    """Map line numbers to type keys, for the classes that have an ``object/`` block.

    A block belongs to the last class that begins above the block. The line where the class ends
    does not matter: for Python's parser, the class ends above a block that contains only comments.
    """
    result = {}
    for block in blocks:
        above = [node for node in tree.body if node.lineno < block.line_number]
        if block.kind == "object" and above and isinstance(above[-1], ast.ClassDef):
            result[above[-1].lineno] = block.parameter
    return result


def _registered_by_hand(file: ParsedFile, tree: ast.Module) -> dict[int, str]:
    """Map line numbers to type keys, for the classes that handwritten code registers.

    If `initialized_prefixes` finds no prefix in the module, the result is empty. The stub of such a
    module repeats handwritten classes without a change.
    """
    if not initialized_prefixes(file):
        return {}
    return {
        node.lineno: call.args[0].value
        for node in tree.body
        if isinstance(node, ast.ClassDef) and len(node.bases) == 1 and not node.keywords
        for call in node.decorator_list
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).rpartition(".")[2] == "register_object"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def _bound(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Yield each name that an import binds, and an import statement for this name alone."""
    for alias in node.names:
        alone = copy.copy(node)
        alone.names = [alias]
        if isinstance(node, ast.ImportFrom) and alias.name != "*":
            # A stub re-exports only names that are imported with `as` (PEP 484).
            alone.names = [ast.alias(alias.name, alias.asname or alias.name)]
        yield alias.asname or alias.name.partition(".")[0], ast.unparse(alone)


def _definition(node: ast.stmt) -> tuple[list[str], set[str]]:
    """Return the stub's source lines for a statement, and the names that the statement binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return _signature(node), {node.name}
    if isinstance(node, ast.ClassDef):
        lines: list[str] = []
        for statement in node.body:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                _check_sets_nothing(statement)
            if _is_docstring(statement):
                lines += ast.unparse(statement).splitlines()
            elif not isinstance(statement, ast.Pass):
                lines += _definition(statement)[0]
        alone = copy.copy(node)
        alone.body = [ast.Pass()]
        head = ast.unparse(alone).splitlines()[:-1]
        return [*head, *(f"    {line}" for line in lines or ["..."])], {node.name}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [f"{node.target.id}: {ast.unparse(node.annotation)}"], {node.target.id}
    assigned = _assigned(node)
    if assigned is not None:
        name, value = assigned
        plain = isinstance(value, ast.Constant) and value.value not in {None, ...}
        if plain or isinstance(value, (ast.Name, ast.Attribute)):
            return [f"{name} = {ast.unparse(value)}"], {name}
    if isinstance(node, ast.Expr):
        return [], set()  # Omit an expression, because it binds no name.
    raise NoOutlineError(node.lineno, "a stub cannot contain this statement")


def _is_repeatable(node: ast.stmt) -> bool:
    try:
        _definition(node)
    except NoOutlineError:
        return False
    return True


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    doc = ast.get_docstring(node, clean=False)
    alone = copy.copy(node)
    alone.args = copy.copy(node.args)
    alone.args.defaults = [_default(value) for value in node.args.defaults]
    alone.args.kw_defaults = [value and _default(value) for value in node.args.kw_defaults]
    alone.body = [ast.Expr(ast.Constant(... if doc is None else doc))]
    lines = ast.unparse(alone).splitlines()
    if any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in ast.walk(node)):
        # The stub does not contain the `yield`. Without `yield`, an `async def` would declare a
        # coroutine instead of an async generator, so write `def`.
        lines = [line.removeprefix("async ") for line in lines]
    return lines


def _default(value: ast.expr) -> ast.expr:
    """Return a parameter's default value for a stub. A complex expression becomes ``...``."""
    plain = isinstance(value, (ast.Constant, ast.Name, ast.Attribute))
    return value if plain else ast.Constant(...)


def _check_sets_nothing(method: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """Reject a method that sets attributes of ``self``: a stub cannot declare these attributes."""
    first = [parameter.arg for parameter in (*method.args.posonlyargs, *method.args.args)][:1]
    for node in ast.walk(method):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id in first
        ):
            raise NoOutlineError(
                node.lineno, "a stub cannot declare the attribute that is set here"
            )


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _assigned(node: ast.stmt) -> tuple[str, ast.expr] | None:
    """Return the name and the value of an assignment to a single name."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        return (target.id, node.value) if isinstance(target, ast.Name) else None
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
        return node.target.id, node.value
    return None


def _loaded(value: ast.expr) -> tuple[str, str] | None:
    """If an expression loads a library, return the distribution's and the library's name.

    :returns: ``None`` if the expression does not load a library. If the argument that contains a
        name is not a literal, this name is empty. For a call of `load_module`, both names are
        empty.
    """
    if not isinstance(value, ast.Call):
        return None
    called = ast.unparse(value.func).rpartition(".")[2]
    if called == "load_module":
        return "", ""
    if called not in {"load_lib_module", "_FFI_LOAD_LIB"}:
        return None
    arguments = {keyword.arg: keyword.value for keyword in value.keywords}
    arguments.update(zip(("package", "target_name"), value.args))
    found = (arguments.get("package"), arguments.get("target_name"))
    package, target = (str(e.value) if isinstance(e, ast.Constant) else "" for e in found)
    return package, target


def _strings(value: ast.expr) -> list[str]:
    if isinstance(value, (ast.List, ast.Tuple)):
        constants = [e.value for e in value.elts if isinstance(e, ast.Constant)]
        strings = [constant for constant in constants if isinstance(constant, str)]
        if len(strings) == len(value.elts):
            return strings
    raise NoOutlineError(value.lineno, "__all__ is not a list of string literals")
