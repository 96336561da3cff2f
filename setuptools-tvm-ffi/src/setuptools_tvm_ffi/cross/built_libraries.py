# SPDX-License-Identifier: Apache-2.0
"""Checks that cross-compiled libraries satisfy the platform tag of their wheel."""

from __future__ import annotations

from collections.abc import Mapping

from ..base.errors import BuildError
from ..binaries.binary import BinaryReader
from ..binaries.local_symbols import local_symbol
from ..binaries.platform_tags import problems_for
from ..binaries.python_symbols import is_python_symbol
from ..building.link_errors import python_symbols_error
from .targets import Target


def check_libraries(libraries: Mapping[str, bytes], target: Target) -> dict[str, str]:
    """Reject libraries that do not satisfy the target's platform tag.

    :param libraries: maps the path of each library in the wheel to the content of the library.
    :returns: maps the path of a library to a warning about this library.
    :raises BuildError: a library refers to a symbol of CPython, needs a symbol or library that the
        tag does not guarantee, or was built for another platform.
    """
    with BinaryReader() as reader:
        binaries = reader.read_all(libraries.items(), target.name)
    warnings = {}
    for binary in binaries:
        python = tuple(name for name in binary.undefined if is_python_symbol(name))
        if python:
            raise python_symbols_error(binary.path, python)
        shown = list(filter(local_symbol().match, binary.exported))
        if shown:
            warnings[binary.path] = (
                f"{binary.path} exports {len(shown)} symbols that headers define, such as "
                f"{shown[0]}: Zig's linker cannot hide these symbols for this target"
            )
    problems = problems_for(binaries, target.tags[0])
    if problems:
        raise BuildError(
            f"{target.name}: the libraries do not satisfy '{target.tags[0]}':\n"
            + "\n".join(problems),
            hint="choose a target with a newer version of the system, or remove the code that "
            "needs these symbols or libraries",
        )
    return warnings
