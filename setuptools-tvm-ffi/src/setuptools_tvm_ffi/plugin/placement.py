# SPDX-License-Identifier: Apache-2.0
"""Puts libraries and stubs where they belong: ``build_lib``, an editable wheel, the source tree."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Union

from ..base.file_replacement import replace_file
from ..base.json_file import read_object
from ..building.model import BuiltLibrary
from ..project.package_tree import PackageTree
from ..stubs import StubFile
from ..toolchains import path_in_wheel

_LIBRARY_MODE = 0o755
_PLAIN_MODE = 0o644

#: Contents by path in the wheel; ``None`` for a file that is to go.
StubFiles = Mapping[PurePosixPath, Union[bytes, None]]


@dataclass(frozen=True)
class ShippedFile:
    """A library, or what is shipped beside one."""

    path: PurePosixPath  #: in the wheel
    content: bytes
    mode: int


def shipped_files(
    libraries: Iterable[BuiltLibrary],
    folder: PurePosixPath | None = None,
    *,
    system: str | None = None,
) -> Iterator[ShippedFile]:
    """Yield each library and its companions.

    :param folder: the one for all of them; by default each is in its package.
    :param system: what they are built for; by default the system of this machine.
    """
    for library in libraries:
        path = path_in_wheel(library.settings, system)
        place = path.parent if folder is None else folder
        yield ShippedFile(place / path.name, library.content, _LIBRARY_MODE)
        for name, content in library.companions.items():
            yield ShippedFile(place / name, content, _PLAIN_MODE)


def place(files: Iterable[ShippedFile], folder: Path) -> None:
    """Write files below a folder."""
    for file in files:
        replace_file(folder / file.path, file.content, mode=file.mode)


def place_in_build_lib(
    files: Iterable[ShippedFile],
    stubs: StubFiles,
    *,
    build_lib: Path,
    tree: PackageTree,
    memory: Path,
) -> None:
    """Write a wheel's files, and take away those of the last build that are its no more.

    setuptools packs whatever ``build_lib`` holds, and copies a source only over an older file: a
    library that was renamed, or a stub of a prefix that is gone, would go on being shipped.

    :param memory: the file that keeps what was placed.
    """
    files = list(files)
    placed = {file.path for file in files} | {p for p, c in stubs.items() if c is not None}
    key = os.path.abspath(build_lib)
    known = read_object(memory)
    for name in set(known.get(key, [])) - set(map(str, placed)):
        source = tree.source_of(PurePosixPath(name))
        if source.is_file() and source.suffix in {".py", ".pyi"}:
            replace_file(build_lib / name, source.read_bytes())
        else:
            (build_lib / name).unlink(missing_ok=True)
    known[key] = sorted(map(str, placed))
    replace_file(memory, json.dumps(known, indent=1).encode())
    place(files, build_lib)
    for path, content in stubs.items():
        if content is None:
            (build_lib / path).unlink(missing_ok=True)
        else:
            replace_file(build_lib / path, content, mode=_PLAIN_MODE)


def place_in_source_tree(
    files: Iterable[ShippedFile], stubs: Iterable[StubFile], tree: PackageTree
) -> None:
    """Write libraries and stubs into the packages; files that are there keep their permissions.

    A stub that was written by other releases and would say the same stays.
    """
    for file in files:
        replace_file(tree.source_of(file.path), file.content, mode=file.mode)
    for stub in stubs:
        if stub.new is None:
            stub.source.unlink(missing_ok=True)
        elif stub.is_stale:
            replace_file(stub.source, stub.new)
