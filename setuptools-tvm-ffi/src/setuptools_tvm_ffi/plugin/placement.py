# SPDX-License-Identifier: Apache-2.0
"""Writes libraries and stubs into ``build_lib``, an editable wheel or the source tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Union

from ..base.file_replacement import replace_file
from ..building.request import BuiltLibrary
from ..project.package_tree import PackageTree
from ..stubs import StubFile
from ..toolchains import path_in_wheel

_LIBRARY_MODE = 0o755
_PLAIN_MODE = 0o644

#: The key is the path of a stub in the wheel. The value is the stub's content, or ``None`` if the
#: stub must be deleted.
StubContents = Mapping[PurePosixPath, Union[bytes, None]]


@dataclass(frozen=True)
class ShippedFile:
    """A library in the wheel, or a companion file of a library, such as its debug symbols."""

    path: PurePosixPath  #: the path in the wheel
    content: bytes
    mode: int


def shipped_files(
    libraries: Iterable[BuiltLibrary],
    folder: PurePosixPath | None = None,
    *,
    system: str | None = None,
) -> Iterator[ShippedFile]:
    """Yield each library and its companion files.

    :param folder: the folder for all files. By default, each library is in the folder of its
        package.
    :param system: the system that the libraries are built for. By default, it is the system of this
        machine.
    """
    for library in libraries:
        path = path_in_wheel(library.settings, system)
        parent = path.parent if folder is None else folder
        yield ShippedFile(parent / path.name, library.content, _LIBRARY_MODE)
        for name, content in library.companions.items():
            yield ShippedFile(parent / name, content, _PLAIN_MODE)


def write_files(files: Iterable[ShippedFile], folder: Path) -> None:
    """Write files below a folder."""
    for file in files:
        replace_file(folder / file.path, file.content, mode=file.mode)


def place_in_build_lib(files: Iterable[ShippedFile], stubs: StubContents, build_lib: Path) -> None:
    """Write libraries and stubs to `build_lib`. Delete the stubs whose content is ``None``."""
    write_files(files, build_lib)
    for path, content in stubs.items():
        if content is None:
            (build_lib / path).unlink(missing_ok=True)
        else:
            replace_file(build_lib / path, content, mode=_PLAIN_MODE)


def place_in_source_tree(
    files: Iterable[ShippedFile], stubs: Iterable[StubFile], tree: PackageTree
) -> None:
    """Write libraries and stubs into the packages of the source tree.

    An existing file keeps its permissions. An existing stub is not changed if the new stub differs
    only in the versions that the stub's header names.
    """
    for file in files:
        replace_file(tree.source_of(file.path), file.content, mode=file.mode)
    for stub in stubs:
        if stub.new is None:
            stub.source.unlink(missing_ok=True)
        elif stub.is_stale:
            replace_file(stub.source, stub.new)
