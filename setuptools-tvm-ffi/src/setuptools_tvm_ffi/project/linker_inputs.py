# SPDX-License-Identifier: Apache-2.0
"""Reads thin archives and linker scripts: linker inputs that contain names of other files."""

from __future__ import annotations

import re
from pathlib import Path

_WORD = re.compile(r'[^\s(),"{]+')
# Words with these characters are symbols or patterns, not names of files.
_NO_FILE = re.compile(r"[;}*?]")


def thin_members(archive: Path) -> list[str]:
    """Return the paths of a thin archive's members, relative to the folder of the archive.

    If the file is not a thin archive, return an empty list.
    """
    try:
        with archive.open("rb") as stream:
            if stream.read(8) != b"!<thin>\n":
                return []
            # The member `//` contains the names of the other members. Before `//`, there are only
            # symbol tables. Each member consists of a header of 60 bytes and the content.
            while header := stream.read(60):
                size = int(header[48:58])
                content = stream.read(size + size % 2)[:size]
                if header.startswith(b"//"):
                    text = content.decode(errors="surrogateescape")
                    return [name for name in text.split("/\n") if name.strip()]
    except (OSError, ValueError):
        pass
    return []


def linker_script_words(file: Path) -> list[str]:
    """Return the words of a linker script that can be names of files.

    The result also contains the keywords and options of the script, because this function does not
    parse the script. GNU ld accepts a linker script in place of a library. If the file is an
    archive or an object instead, return an empty list.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(2**16)
    except OSError:
        return []
    if content.startswith(b"!<") or b"\0" in content:  # This is an archive or another binary file.
        return []
    words = dict.fromkeys(_WORD.findall(content.decode(errors="surrogateescape")))
    return [word for word in words if _NO_FILE.search(word) is None]
