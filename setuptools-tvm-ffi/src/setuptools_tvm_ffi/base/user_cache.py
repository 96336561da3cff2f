# SPDX-License-Identifier: Apache-2.0
"""Finds the plugin's folder in the user's cache."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def user_cache_folder(variables: Mapping[str, str]) -> Path | None:
    """Return the path of the plugin's cache folder. The folder may not exist yet.

    On Linux, the path follows the XDG Base Directory Specification.

    :param variables: environment variables, for example `os.environ`.
    :returns: ``None`` if the environment defines neither a cache folder nor a home folder.
    """
    if sys.platform == "win32":
        base = variables.get("LOCALAPPDATA")
    else:
        base = variables.get("XDG_CACHE_HOME")
        if base is None or not os.path.isabs(base):
            caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
            home = os.path.expanduser("~")
            base = os.path.join(home, caches) if os.path.isabs(home) else None
    return None if base is None else Path(base, "setuptools-tvm-ffi")
