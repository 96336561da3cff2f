# SPDX-License-Identifier: Apache-2.0
"""Rebuild on import: what an editable install holds for it, and the build that an import starts.

The install carries all a build needs besides apache-tvm-ffi and a compiler: setuptools, this plugin
and ninja, in an archive beside the libraries. An isolated build environment is gone by the time of
the first import, and the environment that imports need not have any of them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from ..base.errors import BuildError, render
from ..base.file_replacement import replace_file
from ..building.libraries import BuildRequest, BuildResult
from ..building.ninja import find_program
from ..project.sources import searched_folders
from ..settings import ConfigSettings
from ..settings.languages import LANGUAGE_BY_SUFFIX
from . import hook

#: What compilers and their toolchains are told by the environment.
BUILD_VARIABLES = (
    *("CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS"),
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH"),
    *("CUDAFLAGS", "CUDAHOSTCXX", "CUDA_HOME", "CUDA_PATH", "TVM_FFI_CUDA_ARCH_LIST"),
    *("NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS", "NVCC_CCBIN"),
    *("HIPFLAGS", "HIPCXX", "ROCM_HOME", "ROCM_PATH", "HIP_PATH"),
    *("ARCHFLAGS", "MACOSX_DEPLOYMENT_TARGET", "SDKROOT", "DEVELOPER_DIR"),
)
_SETTINGS_FILES = ("pyproject.toml", "setup.py", "setup.cfg")

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


@dataclass(frozen=True)
class Record:
    """What an import has to know to see whether anything has changed, and to rebuild it.

    Paths are relative to the project's root but for `root` itself.

    :param manifest: the ``build.ninja``.
    :param tools: the digest of the archive of tools.
    :param variables: those that a build depends on, as they were; ``None`` where one was not set.
    :param config_settings: what the frontend passed on.
    :param files: what is looked at beside what ninja looks at: settings, and libraries as they were
        built last; with the `hook.signature` of each.
    :param folders: those in which globs look for sources, with the `hook.listing` of each.
    :param suffixes: those of sources.
    """

    distribution: str
    root: str
    folder: str
    manifest: str
    tools: str
    variables: Mapping[str, str | None]
    config_settings: ConfigSettings
    files: Mapping[str, list[int] | None]
    folders: Mapping[str, list[str] | None]
    suffixes: tuple[str, ...] = tuple(sorted(LANGUAGE_BY_SUFFIX))


def make_record(
    *,
    distribution: str,
    request: BuildRequest,
    result: BuildResult,
    tools: str,
    environment: Mapping[str, str],
    config_settings: ConfigSettings,
) -> Record:
    """Return the record of a build that has just ended."""
    root = request.root
    names = {name for name in environment if name.startswith(hook.SETTINGS_VARIABLES)}
    names.discard(hook.DEBUG_VARIABLE)
    libraries = (library.plan.library for library in result.libraries)
    folders = (
        str(folder)
        for settings in request.extensions
        for folder in searched_folders(settings, root, build_base=request.build_base)
    )
    return Record(
        distribution=distribution,
        root=str(root),
        folder=str(request.folder),
        manifest=str(request.manifest),
        tools=tools,
        variables={n: environment.get(n) for n in sorted({*BUILD_VARIABLES, *names})},
        config_settings=config_settings,
        files={n: hook.signature(str(root / n)) for n in (*_SETTINGS_FILES, *libraries)},
        folders={name: hook.listing(str(root / name), Record.suffixes) for name in folders},
    )


def write_record(folder: Path, record: Record) -> None:
    """Write the record beside the libraries, and have the tools ready for the first import."""
    content = dataclasses.asdict(record)
    replace_file(folder / hook.RECORD, _dumped(content))
    hook.unpack_tools(str(folder), content)


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
    return hashlib.sha256((folder / hook.TOOLS).read_bytes()).hexdigest()[:16]


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


def rebuild(folder: str) -> None:
    """Build the project that a record is about, into the folder that the record lies in.

    It is called in a process of its own, with the project's root as its working folder.
    """
    from ..build_meta import rebuild_editable  # noqa: PLC0415 - it needs this module

    file = Path(folder, hook.RECORD)
    known = file.read_bytes()
    record: dict[str, Any] = json.loads(known)
    installed = set(os.listdir(folder))
    before = _watched(record)
    rebuild_editable(folder, record["config_settings"])
    added = sorted(set(os.listdir(folder)) - installed)
    if added:
        for name in added:
            _remove(Path(folder, name))
        replace_file(file, known)
        raise SystemExit(render(_not_installed(record["distribution"], added)))
    # What was edited while the compilers ran was not built: the next import is to see that.
    record = json.loads(file.read_text(encoding="utf-8"))
    for part, signatures in before.items():
        record[part].update({n: s for n, s in signatures.items() if n in record[part]})
    replace_file(file, _dumped(record))


def _watched(record: Mapping[str, Any]) -> dict[str, dict[str, list[Any] | None]]:
    suffixes = tuple(record["suffixes"])
    return {
        "files": {name: hook.signature(name) for name in _SETTINGS_FILES},
        "folders": {name: hook.listing(name, suffixes) for name in record["folders"]},
    }


def _not_installed(distribution: str, added: Iterable[str]) -> BuildError:
    """Say why a file cannot be added: nothing could find it, and nothing would uninstall it."""
    return BuildError(
        f"{distribution} has other libraries than when it was installed: {', '.join(added)}",
        hint="install it once more, as with 'pip install -e .'",
    )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _dumped(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, indent=1).encode()


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
