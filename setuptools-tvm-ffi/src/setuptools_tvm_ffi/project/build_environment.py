# SPDX-License-Identifier: Apache-2.0
"""Stable names for the folders of the environment that runs the build.

For each isolated build, the build frontend creates a new environment in a random folder. A project
can use a folder in this environment as an include folder, such as `numpy.get_include()`. Without
stable names, the results of two builds of such a project would differ.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

#: The stable name of a folder of installed packages.
PACKAGES = "site-packages"
#: The stable name of a virtual environment.
ENVIRONMENT = "build-environment"

_OF_PACKAGES = {"site-packages", "dist-packages"}


def stable_names(root: str) -> dict[str, str]:
    """Return a stable name for each folder of this Python's environment, inner folders first.

    :param root: the project's folder. The result omits folders inside the project, because paths in
        the project are already relative. It also omits folders that contain the project.
    """
    found = {
        os.path.normpath(entry): PACKAGES
        for entry in sys.path
        if os.path.isabs(entry) and os.path.basename(os.path.normpath(entry)) in _OF_PACKAGES
    }
    if sys.prefix != sys.base_prefix:
        found.setdefault(os.path.normpath(sys.prefix), ENVIRONMENT)
    outside = (f for f in found if not is_below(f, root) and not is_below(root, f))
    return {folder: found[folder] for folder in sorted(outside, key=len, reverse=True)}


def used_names(folders: Iterable[str], root: str) -> dict[str, str]:
    """Return the stable name of each environment folder that contains one of `folders`."""
    inner_folders = [os.path.normpath(folder) for folder in folders if os.path.isabs(folder)]
    return {
        outer: name
        for outer, name in stable_names(root).items()
        if any(is_below(inner, outer) for inner in inner_folders)
    }


def is_below(path: str, folder: str) -> bool:
    """Whether a path is the folder itself or is inside the folder."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
