# SPDX-License-Identifier: Apache-2.0
"""Writes the rebuild record of an editable install.

The record contains the state of all inputs at the last build, and the settings for a rebuild. An
import compares the recorded state with the current state of the inputs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base.file_digest import digest_of
from ..base.file_replacement import replace_file
from ..base.user_cache import user_cache_folder
from ..building import pkg_config, searches
from ..building.request import BuildRequest, BuildResult
from ..project.sources import searched_folders
from ..settings import ConfigSettings
from ..settings.languages import LANGUAGE_BY_SUFFIX
from ..settings.overrides import with_every_branch
from ..settings.project import DEFAULT_VARIABLES
from . import hook

#: Environment variables that compilers and toolchains read.
BUILD_VARIABLES = (
    *("CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS"),
    *searches.VARIABLES,
    *pkg_config.VARIABLES,
    *("CUDAFLAGS", "CUDAHOSTCXX", "CUDA_HOME", "CUDA_PATH", "TVM_FFI_CUDA_ARCH_LIST"),
    *("NVCC_CCBIN", *DEFAULT_VARIABLES),
    *("HIPFLAGS", "ROCM_HOME", "ROCM_PATH", "HIP_PATH"),
    *("ARCHFLAGS", "MACOSX_DEPLOYMENT_TARGET", "DEVELOPER_DIR", "SOURCE_DATE_EPOCH"),
)
_SETTINGS_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


def write_rebuild_record(
    folder: Path,
    *,
    distribution: str,
    request: BuildRequest,
    result: BuildResult,
    config_settings: ConfigSettings,
) -> None:
    """Write the rebuild record of a finished build, and unpack the tools for the first rebuild.

    The record contains paths of inputs relative to the project's folder.

    :param folder: the folder that contains the libraries and the archive of build tools.
    """
    root = request.root
    settings = {name for name in os.environ if name.startswith(hook.SETTINGS_VARIABLES)}
    settings.discard(hook.DEBUG_VARIABLE)
    extensions = list(map(with_every_branch, request.extensions))
    inputs = [name for entry in request.project.settings.generate for name in entry.inputs]
    patterns = [*(name for extension in extensions for name in extension.sources), *inputs]
    source_folders = map(str, searched_folders(patterns, root, build_base=request.build_base))
    # The inputs of `generate` can have any suffix. Add these suffixes to the suffixes of sources.
    suffixes = tuple(sorted({*LANGUAGE_BY_SUFFIX, *(os.path.splitext(name)[1] for name in inputs)}))
    record = {
        "distribution": distribution,
        "root": str(root),
        "folder": str(request.folder),
        "tools": digest_of(folder / hook.TOOLS)[:16],
        # Unpack the tools outside the project if possible, so that Git and type checkers do not
        # search them.
        "tools_parent": str(user_cache_folder(os.environ) or root / request.folder),
        # None means that the variable was not set. A rebuild then removes the variable.
        "variables": {n: os.environ.get(n) for n in sorted({*BUILD_VARIABLES, *settings})},
        "config_settings": config_settings,
        # Each file that the build depends on or has written, and its `hook.signature`. If the file
        # can change without a change of its signature, the value is an empty list. An empty list
        # differs from every signature, so the next import rebuilds.
        "files": {
            **{name: list(status or ()) for name, status in result.watched.items()},
            **{name: hook.signature(str(root / name)) for name in _SETTINGS_FILES},
        },
        "folders": {name: hook.listing(str(root / name), suffixes) for name in source_folders},
        "suffixes": suffixes,
    }
    replace_file(folder / hook.REBUILD_RECORD, dumped(record))
    hook.unpack_tools(str(folder), record)


def watched(record: Mapping[str, Any]) -> dict[str, dict[str, list[Any] | None]]:
    """Return the current state of settings files and source folders, in the record's format."""
    suffixes = tuple(record["suffixes"])
    return {
        "files": {name: hook.signature(name) for name in _SETTINGS_FILES},
        "folders": {name: hook.listing(name, suffixes) for name in record["folders"]},
    }


def dumped(record: Mapping[str, Any]) -> bytes:
    """Return the rebuild record as JSON."""
    return json.dumps(record, indent=1).encode()
