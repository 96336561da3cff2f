# SPDX-License-Identifier: Apache-2.0
"""Recognizes libraries and programs by their names."""

from __future__ import annotations

import re

#: Matches the name of a library or program.
NAME = re.compile(r".+\.(?:so(?:\.\d+)*|dylib|dll|pyd|exe)", re.DOTALL)


def is_library_name(path: str) -> bool:
    """Whether a file is named like a library.

    >>> is_library_name("pkg/libz.so.1"), is_library_name("pkg/tool.exe")
    (True, False)
    """
    name = path.rpartition("/")[2]
    return NAME.fullmatch(name) is not None and not name.endswith(".exe")
