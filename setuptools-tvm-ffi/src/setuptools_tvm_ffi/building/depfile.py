# SPDX-License-Identifier: Apache-2.0
"""Parses the list of files that a compiler has read.

GCC, Clang and nvcc write the list as Makefile rules. Microsoft's cl writes JSON.
"""

from __future__ import annotations

import json
import ntpath
import re
from collections.abc import Mapping
from types import MappingProxyType

# GCC doubles backslashes only if they precede an escaped space or tab.
_ESCAPED = re.compile(r"(\\*)\\([ \t#:])")
# `\s` would also match other white space, such as U+00A0, which a file name can contain.
_WORD = re.compile(r"(?:\\.|[^ \t\r\\])+")
_TARGETS = re.compile(r"(?:\\.|[^\\:]|:(?![ \t\r]|$))*:(?=[ \t\r]|$)")


def dependencies(
    content: bytes, style: str, folders: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Return the files that a compiler has read, without duplicates.

    :param content: the content of the file that the compiler wrote.
    :param style: ``gcc`` for Makefile rules (``-MD``), ``msvc`` for ``/sourceDependencies``.
    :param folders: a mapping from the absolute path of a folder to the prefix that replaces the
        path in the result. This parameter applies only to ``msvc``, because cl reports each path as
        an absolute path, in lower case.
    :raises ValueError: the content is truncated or corrupt.
    """
    if style == "msvc":
        return list(dict.fromkeys(_respelled(path, folders) for path in _of_json(content)))
    text = content.decode(errors="surrogateescape").replace("\\\r\n", " ").replace("\\\n", " ")
    found: dict[str, None] = {}
    rules = [line for line in text.split("\n") if line.strip()]
    if not rules:
        raise ValueError("the list of dependencies is empty")
    for rule in rules:
        targets = _TARGETS.match(rule)
        if targets is None or rule.endswith("\\"):
            raise ValueError(f"not a Makefile rule: {rule!r}")
        for word in _WORD.findall(rule, targets.end()):
            found[_unescaped(word)] = None
    return list(found)


def _unescaped(word: str) -> str:
    return _ESCAPED.sub(_plain, word).replace("$$", "$")


def _plain(escaped: re.Match[str]) -> str:
    slashes = len(escaped[1]) // (2 if escaped[2] in " \t" else 1)
    return "\\" * slashes + escaped[2]


def _of_json(content: bytes) -> list[str]:
    # The format is documented at https://learn.microsoft.com/cpp/build/reference/sourcedependencies
    try:
        data = json.loads(content)["Data"]
        return [data["Source"], *data["Includes"]]
    except (KeyError, TypeError) as problem:
        raise ValueError(f"not a list of source dependencies: {problem}") from None


def _respelled(path: str, folders: Mapping[str, str]) -> str:
    normal = ntpath.normcase(path)
    for folder, start in folders.items():
        parent = ntpath.join(ntpath.normcase(folder), "")
        if normal.startswith(parent):
            return start + normal[len(parent) :].replace("\\", "/")
    return path
