# SPDX-License-Identifier: Apache-2.0
"""Packs the build tools (setuptools, this plugin and ninja) into an editable wheel.

When an import rebuilds the project, the isolated build environment no longer exists. The rebuild
therefore uses the packed tools. The user's environment must contain apache-tvm-ffi, and the machine
needs a compiler.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from ..base.file_replacement import replace_file
from ..building.ninja import find_program
from . import hook

#: The distributions that a build needs, and the packages of each distribution. Python 3.11 and
#: newer do not need tomli, because their standard library contains tomllib.
TOOL_PACKAGES = {
    "setuptools": ("setuptools", "_distutils_hack"),
    "packaging": ("packaging",),
    "setuptools-tvm-ffi": ("setuptools_tvm_ffi",),
    **({"tomli": ("tomli",)} if sys.version_info < (3, 11) else {}),
}

# Metadata files to pack. setuptools finds its commands through entry points, which are metadata.
_METADATA = ("METADATA", "entry_points.txt")

# The modification time of each file in the archive. It is fixed, so that identical tools give
# identical archives.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def equip(wheel: Path, folder: Path, name: str, packages: Iterable[str], *, ninja: str) -> None:
    """Add the import hook and the build tools to an unpacked editable wheel.

    :param wheel: the folder of the unpacked wheel.
    :param folder: the folder of the libraries in the unpacked wheel.
    :param name: the distribution's name, in the form of a Python identifier.
    :param packages: the packages whose import starts a rebuild.
    :param ninja: the path of ninja.
    """
    replace_file(folder / hook.TOOLS, pack_tools(ninja))
    module = f"_{name}_rebuild"
    # Write only ASCII: some Python versions read a `.pth` file in the encoding of the locale.
    arguments = ", ".join(map(ascii, packages))
    line = f"import {module}; {module}.install({arguments})\n"
    replace_file(wheel / f"{module}.py", Path(hook.__file__).read_bytes())
    replace_file(wheel / f"{module}.pth", line.encode())


def pack_tools(ninja: str) -> bytes:
    """Return the content of the archive with the build tools.

    :param ninja: the path of ninja.
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


def _metadata_of(distribution: str) -> Iterator[tuple[str, str]]:
    """Yield each metadata file of a distribution: its path in the archive and its content."""
    for found in importlib.metadata.distributions(name=distribution):
        # With an in-tree backend, `distributions` may also return distributions with other names.
        if canonicalize_name(found.metadata["Name"] or "") == distribution:
            folder = f"{distribution.replace('-', '_')}-{found.version}.dist-info"
            for name in _METADATA:
                text = found.read_text(name)
                if text is not None:
                    yield f"{folder}/{name}", text
            return


def _files_of(name: str) -> Iterator[tuple[str, Path]]:
    """Yield each file of a package: its path in the archive and its path on disk."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"cannot import {name}")
    folder = Path(next(iter(spec.submodule_search_locations)))
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        # Omit tests, which make up half of setuptools.
        wanted = "tests" not in relative.parts and path.suffix not in {".exe", ".pyc"}
        if wanted and path.is_file():
            yield f"{name}/{relative.as_posix()}", path
