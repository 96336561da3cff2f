# SPDX-License-Identifier: Apache-2.0
"""Warns about packages, and about files of packages, that are not in the wheel."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from ...base.errors import PREFIX
from ...project.unshipped_files import not_sources, patterns, tracked_files, unshipped_files
from ...settings.project import written
from ..package_discovery import PackageDiscovery

_SHOWN = 8
_TO_ADD = "to add them, write in pyproject.toml"

logger = logging.getLogger(__name__)


def warn_about_unshipped_files(command: Any) -> None:  # noqa: ANN401 - a command of setuptools
    """Warn about package files that git tracks but setuptools does not copy into the wheel.

    Commands that build a wheel or an sdist call this function at the end. If a frontend builds the
    wheel from the sdist, only the build of the sdist prints a warning: the unpacked sdist does not
    contain the files.

    :param command: the command that packs the files.
    """
    distribution = command.distribution
    discovery = distribution.set_defaults
    if isinstance(discovery, PackageDiscovery) and discovery.left_out[0]:
        names, table = discovery.left_out
        _warn(f"packages without libraries: {', '.join(names)}", f"{_TO_ADD}:", table)
    build_py = command.get_finalized_command("build_py")
    folders = {Path(build_py.get_package_dir(name)): name for name in distribution.packages or ()}
    shipped = {Path(os.path.normpath(file)) for file in build_py.get_output_mapping().values()}
    files = list(unshipped_files(folders, shipped))
    if not files:
        return  # Return early, because starting git and searching for sources takes time.
    build_ext = command.get_finalized_command("build_ext")
    sources = map(Path, (*build_ext.get_source_files(), *build_ext.get_embedded_files()))
    inputs = set(map(Path, build_ext.get_generation_files()))
    files = [file for file in files if file not in inputs]
    modules, data = set(), defaultdict(list)
    for file in tracked_files(not_sources(files, sources), Path.cwd()):
        folder = next(parent for parent in file.parents if parent in folders)
        package, inner = folders[folder], file.relative_to(folder)
        if not build_py.exclude_data_files(package, str(folder), [str(file)]):
            continue
        if Path(build_py.build_lib, *package.split("."), inner).exists():
            continue  # The wheel contains the file: a command of the project has copied it.
        if file.suffix == ".py" and all(part.isidentifier() for part in inner.parent.parts):
            modules.add(".".join((package, *inner.parent.parts)))
        else:
            data[folder].append(file)
    if modules:
        _warn(
            f"packages that the project does not list: {', '.join(sorted(modules))}",
            "to add them, add their names to tool.setuptools.packages in pyproject.toml",
        )
    if data:
        found = [file.as_posix() for folder in data for file in data[folder]]
        more = len(found) - _SHOWN
        _warn(
            f"files of packages: {', '.join(found[:_SHOWN])}{f' and {more} more' * (more > 0)}",
            f"{_TO_ADD}:",
            "[tool.setuptools.package-data]",
            *(
                f'"{folders[folder]}" = {written(patterns(data[folder], folder))}'
                for folder in data
            ),
            "to omit them without this warning, write exclude-package-data instead",
        )


def _warn(lacking: str, *hint: str) -> None:
    logger.warning("%s: warning: the wheel lacks %s", PREFIX, lacking)
    for line in "\n".join(hint).splitlines():
        logger.warning("%s: hint: %s", PREFIX, line)
