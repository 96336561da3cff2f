# SPDX-License-Identifier: Apache-2.0
"""Finds the docstrings of global functions in a stub that is already in the source tree.

On some platforms, the build cannot read the docstrings of global functions from the library. The
build then copies the docstring and the parameter names of a function from the stub in the source
tree, if the types of the function are unchanged.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

#: The hint for global functions whose docstrings the build cannot read.
DOCS_HINT = (
    "the build reads docstrings of global functions on Linux, if the compiler can build the "
    "recorder (docs/typing.md): run setuptools-tvm-ffi stubs there, and commit the files that it "
    "writes"
)

#: The definitions of each function in a stub. An overloaded function has several definitions.
Definitions = Mapping[str, Sequence[ast.FunctionDef]]


def definitions(stub: str) -> Definitions:
    """Return the definitions of the global functions in a ``.pyi`` file that the plugin wrote.

    In such a file, the global functions are static methods of a class. Each method has an alias at
    module level.

    :returns: an empty mapping if the stub does not compile.
    """
    try:
        body = ast.parse(stub).body
    except (SyntaxError, ValueError):
        return {}
    classes = {node.name: node.body for node in body if isinstance(node, ast.ClassDef)}
    found: dict[str, list[ast.FunctionDef]] = {}
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute):
            name, holder = node.value.attr, ast.unparse(node.value.value)
            found[name] = [
                member
                for member in classes.get(holder, ())
                if isinstance(member, ast.FunctionDef) and member.name == name
            ]
    return found


def doc_of(function: Sequence[ast.FunctionDef]) -> str | None:
    """Return the docstring of the first definition that has a docstring."""
    return next(filter(None, map(ast.get_docstring, function)), None)


def parameters_of(function: Sequence[ast.FunctionDef]) -> list[str]:
    """Return the names of the parameters in the first definition of a function."""
    return [node.arg for node in ast.walk(function[0].args) if isinstance(node, ast.arg)]


def have_same_types(lines: Sequence[str], function: Sequence[ast.FunctionDef]) -> bool:
    """Whether the definitions in `lines` and in `function` have the same types."""
    made = [node for node in ast.parse("\n".join(lines)).body if isinstance(node, ast.FunctionDef)]
    return types_of(made) == types_of(function)


def types_of(function: Sequence[ast.FunctionDef]) -> list[list[str]]:
    """Return a list for each definition: the annotations of the parameters, then of the result."""
    return [
        [
            ast.unparse(annotation)
            for annotation in (
                *(node.annotation for node in ast.walk(each.args) if isinstance(node, ast.arg)),
                each.returns,
            )
            if annotation is not None
        ]
        for each in function
    ]


def without_docs(made: str, committed: str) -> list[str]:
    """Return the names of the functions whose docstrings the build cannot copy.

    `committed` does not contain these functions, or contains the functions with other types.

    :param made: the stub that this build has generated.
    :param committed: the stub in the source tree.
    """
    known = definitions(committed)
    return [
        name
        for name, function in definitions(made).items()
        if types_of(function) != types_of(known.get(name, ()))
    ]
