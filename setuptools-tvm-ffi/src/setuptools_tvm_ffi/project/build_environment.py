# SPDX-License-Identifier: Apache-2.0
"""Which folders belong to the environment that builds, and what they are called in what is built.

An isolated build has another one each time (PEP 517 leaves the place to the frontend): an include
folder in it, as `numpy.get_include()` returns one, has a random name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

#: What a folder of installed packages is called.
PACKAGES = "site-packages"
#: What a virtual environment is called.
ENVIRONMENT = "build-environment"

_OF_PACKAGES = {"site-packages", "dist-packages"}


def stable_names(root: str) -> dict[str, str]:
    """Return folders of this Python's environment, an inner one before an outer one, and names.

    :param root: the project's folder: what lies in it, or around it, has a name by that.
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
    """Return those of `stable_names` that one of these folders lies in."""
    places = [os.path.normpath(folder) for folder in folders if os.path.isabs(folder)]
    if not places:
        return {}
    return {
        outer: name
        for outer, name in stable_names(root).items()
        if any(is_below(place, outer) for place in places)
    }


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder, or lies in it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
