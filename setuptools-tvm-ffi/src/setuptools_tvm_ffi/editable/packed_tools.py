# SPDX-License-Identifier: Apache-2.0
"""The build tools that an editable install carries: setuptools, this plugin and ninja.

They let an import rebuild the project: an isolated build environment is gone by then, and the
environment that imports need not contain any of them. apache-tvm-ffi and a compiler must be there.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import os
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from ..base.file_digest import digest_of
from ..base.file_replacement import replace_file
from ..building.ninja import find_program
from . import hook

#: What a build imports, by the name of the distribution. Python has a tomllib since 3.11.
TOOL_PACKAGES = {
    "setuptools": ("setuptools", "_distutils_hack"),
    "packaging": ("packaging",),
    "setuptools-tvm-ffi": ("setuptools_tvm_ffi",),
    **({"tomli": ("tomli",)} if sys.version_info < (3, 11) else {}),
}

# setuptools looks for its own commands by its entry points.
_METADATA = ("METADATA", "entry_points.txt")

# Of a member of the archive: the same tools make the same archive.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def equip(wheel: Path, folder: Path, name: str, packages: Iterable[str], *, ninja: str) -> None:
    """Put what imports need into an editable wheel: the tools, and the hook that uses them.

    :param folder: where its libraries lie.
    :param name: the distribution's name as an identifier.
    :param packages: those whose import is looked at.
    """
    replace_file(folder / hook.TOOLS, pack_tools(ninja))
    for file, content in hook_files(name, packages).items():
        replace_file(wheel / file, content)


def tools_in(folder: Path) -> str:
    """Return what the folder is called after in which the tools are unpacked."""
    return digest_of(folder / hook.TOOLS)[:16]


def pack_tools(ninja: str) -> bytes:
    """Return the archive of what a build needs.

    :param ninja: the path of a usable one.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:

        def add(path: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), content)

        for distribution, packages in TOOL_PACKAGES.items():
            for path, text in _metadata_of(distribution):
                add(path, text.encode())
            for package in packages:
                for path, file in _files_of(package):
                    add(path, file.read_bytes())
        add(hook.NINJA, find_program(ninja).read_bytes())
    return stream.getvalue()


def hook_files(distribution: str, packages: Iterable[str]) -> dict[str, bytes]:
    """Return what goes to the top of ``site-packages``, by file name.

    :param distribution: the distribution's name as an identifier.
    :param packages: those whose import is looked at.
    """
    module = f"_{distribution}_rebuild"
    names = ", ".join(map(ascii, packages))  # in whatever encoding Python reads such a file
    return {
        f"{module}.py": Path(hook.__file__).read_bytes(),
        f"{module}.pth": f"import {module}; {module}.install({names})\n".encode(),
    }


def _metadata_of(distribution: str) -> Iterator[tuple[str, str]]:
    """Yield the metadata of an installed distribution with their names in the archive."""
    for found in importlib.metadata.distributions(name=distribution):
        # An in-tree backend's finder returns the metadata of whatever lies there.
        if canonicalize_name(found.metadata["Name"] or "") == distribution:
            folder = f"{distribution.replace('-', '_')}-{found.version}.dist-info"
            for name in _METADATA:
                text = found.read_text(name)
                if text is not None:
                    yield f"{folder}/{name}", text
            return


def _files_of(name: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of an importable package with their names in the archive."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{name} is not importable here")
    folder = Path(next(iter(spec.submodule_search_locations)))
    for parent, folders, names in os.walk(folder):
        # setuptools' own tests are half of it.
        folders[:] = sorted(f for f in folders if f not in {"__pycache__", "tests"})
        for file in sorted(names):
            if not file.endswith((".exe", ".pyc")):
                path = Path(parent, file)
                yield f"{name}/{path.relative_to(folder).as_posix()}", path
