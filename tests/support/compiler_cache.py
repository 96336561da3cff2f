# SPDX-License-Identifier: Apache-2.0
"""A cache of object files for the tests: many tests compile the same sources."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

#: Variables for tests that compare two builds: both builds must compile.
COMPILE_ANEW = {"CCACHE_DISABLE": "1"}

_COMPILERS = ("cc", "c++", "gcc", "g++", "clang", "clang++")


def cached_compilers(folder: Path, variables: dict[str, str]) -> dict[str, str]:
    """Return variables that make the usual compilers run through ccache, if ccache is installed.

    Links to ccache come before the compilers on PATH and have the compilers' names. The plugin
    therefore finds and calls the same names as without ccache.

    :param folder: the folder for the links and the object files.
    """
    ccache = shutil.which("ccache", path=variables["PATH"])
    if ccache is None:
        return variables
    links = folder / "compilers"
    links.mkdir(exist_ok=True)
    for name in _COMPILERS:
        if shutil.which(name, path=variables["PATH"]) is not None:
            replacement = links / f".{name}.{os.getpid()}"  # test processes run in parallel
            replacement.symlink_to(ccache)
            replacement.replace(links / name)
    return {
        **variables,
        "PATH": os.pathsep.join((str(links), variables["PATH"])),
        "CCACHE_DIR": str(folder / "objects"),
        "CCACHE_CONFIGPATH": os.devnull,
        # Share objects between the folders of tests. Tests assert that objects name no folder.
        "CCACHE_NOHASHDIR": "1",
    }
