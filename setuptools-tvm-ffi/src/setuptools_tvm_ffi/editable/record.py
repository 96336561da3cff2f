# SPDX-License-Identifier: Apache-2.0
"""The record of an editable install: what an import compares, and what a rebuild needs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.file_replacement import replace_file
from ..building.model import BuildRequest, BuildResult
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


@dataclass(frozen=True)
class EditableRecord:
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
) -> EditableRecord:
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
    return EditableRecord(
        distribution=distribution,
        root=str(root),
        folder=str(request.folder),
        manifest=str(request.manifest),
        tools=tools,
        variables={n: environment.get(n) for n in sorted({*BUILD_VARIABLES, *names})},
        config_settings=config_settings,
        files={n: hook.signature(str(root / n)) for n in (*_SETTINGS_FILES, *libraries)},
        folders={name: hook.listing(str(root / name), EditableRecord.suffixes) for name in folders},
    )


def write_record(folder: Path, record: EditableRecord) -> None:
    """Write the record beside the libraries, and have the tools ready for the first import."""
    content = dataclasses.asdict(record)
    replace_file(folder / hook.RECORD, dumped(content))
    hook.unpack_tools(str(folder), content)


def watched(record: Mapping[str, Any]) -> dict[str, dict[str, list[Any] | None]]:
    """Return the present state of settings files and source folders, as a record has it."""
    suffixes = tuple(record["suffixes"])
    return {
        "files": {name: hook.signature(name) for name in _SETTINGS_FILES},
        "folders": {name: hook.listing(name, suffixes) for name in record["folders"]},
    }


def dumped(record: Mapping[str, Any]) -> bytes:
    """Return the text of a record."""
    return json.dumps(record, indent=1).encode()
