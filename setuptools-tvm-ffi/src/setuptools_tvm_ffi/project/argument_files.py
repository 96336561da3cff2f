# SPDX-License-Identifier: Apache-2.0
"""Finds the files that arguments of compilers and linkers name, such as version scripts."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

# The part of an argument before the name of a file, as in `@link.rsp`, `-Tkernel.ld`,
# `/DEF:exports.def` and `/ORDER:@order.txt`. The pattern requires two letters before the colon, so
# that it does not match `-l:libx.a`. In this argument, `libx.a` is not a path: GNU ld searches the
# folders of -L for `libx.a`. The pattern does not match `/MAP:out.map` either, because the linker
# writes this file (see `_OUTPUT_OPTION`).
_OPTION = re.compile(r"@|-T|-include|-imacros|/FI|[/-](?!(?i:MAP):)[A-Za-z]{2,}:@?")
# The options of nvcc that precede the name of a response file.
_RESPONSE_FILE_OPTIONS = ("-optf", "--options-file")
# The options of GNU ld that precede the name of a file that the linker writes. If a link depended
# on this file, the link would be stale in every build.
_OUTPUT_OPTION = re.compile(r"--?Map|--dependency-file")
#: Separators between an option and the name of a file, as in
#: ``-Wl,--version-script=exports.map``.
SEPARATORS = re.compile("[=,]")


def named_files(arguments: Iterable[str], root: Path) -> dict[str, None]:
    """Return the existing files that arguments name, in the order of the arguments.

    The result does not include files that the linker writes.

    Examples of arguments: ``@link.rsp``, ``-Wl,--version-script=exports.map``,
    ``/DEF:exports.def``, ``kernel.o``. For a response file such as ``link.rsp``, the result
    includes the files that its arguments name.

    :param root: the folder that relative paths refer to.
    """
    found: dict[str, None] = {}
    _add_named_files(arguments, root, found)
    return found


def _add_named_files(arguments: Iterable[str], root: Path, found: dict[str, None]) -> None:
    parts = [part for word in arguments for part in dict.fromkeys((word, *SEPARATORS.split(word)))]
    parts = [part for part in parts if part != "-Xlinker"]
    for previous, part in zip(["", *parts], parts):
        if _OUTPUT_OPTION.fullmatch(previous):
            continue
        option = _OPTION.match(part)
        # Remove the quotes around the value of a macro: `-DDATA="csrc/data.bin"`.
        names = (part, part[option.end() :] if option else "", part.strip('"'))
        for name in dict.fromkeys(names):
            if name in found or not os.path.isfile(root / name):
                continue
            found[name] = None
            if part == f"@{name}" or previous in _RESPONSE_FILE_OPTIONS:
                _add_named_files(words_of(root / name), root, found)


def expanded(arguments: Iterable[str], root: Path) -> Iterator[str]:
    """Yield the arguments. Replace each ``@file`` with the arguments in the response file."""
    for argument in arguments:
        file = root / argument[1:]
        if argument.startswith("@") and os.path.isfile(file):
            yield from expanded(words_of(file), root)
        else:
            yield argument


def words_of(response_file: Path) -> list[str]:
    """Return the arguments in a response file, or an empty list if the file cannot be read."""
    try:
        text = response_file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    words = shlex.shlex(text, posix=True)
    words.whitespace_split, words.commenters = True, ""
    if os.name == "nt":
        words.escape = ""  # On Windows, a backslash separates folders and escapes nothing.
    try:
        return list(words)
    except ValueError:  # Compilers accept a missing closing quote, but shlex does not.
        return text.split()
