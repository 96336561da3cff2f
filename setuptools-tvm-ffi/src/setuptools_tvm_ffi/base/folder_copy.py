# SPDX-License-Identifier: Apache-2.0
"""Copies folders of headers, and lists their files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from .file_replacement import replace_file


def mirror(source: Path, destination: Path) -> list[str]:
    """Make `destination` a copy of the folder `source`.

    If a file in `destination` already has the right content, the file keeps its time stamps.

    :returns: the paths of the copied files, relative to `destination` and with slashes.
    """
    wanted = _files_in(source)
    if not _files_in(destination) <= wanted:
        shutil.rmtree(destination)
    for name in wanted:
        replace_file(destination / name, (source / name).read_bytes())
    return sorted(wanted)


def everything_in(sources: Iterable[str]) -> Iterator[str]:
    """Yield the given files and folders, and all files and folders inside these folders.

    Symbolic links are followed: an editable install can have links to folders of headers.
    """
    for source in sources:
        yield source
        for parent, folders, files in os.walk(source, followlinks=True):
            yield from (os.path.join(parent, name) for name in sorted((*folders, *files)))


def _files_in(folder: Path) -> set[str]:
    files = (path for path in map(Path, everything_in([str(folder)])) if path.is_file())
    return {file.relative_to(folder).as_posix() for file in files}
