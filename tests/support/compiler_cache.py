# SPDX-License-Identifier: Apache-2.0
"""A cache of objects for the tests, most of which compile what another has compiled before."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

#: For tests that compare one build with another: both are to happen.
COMPILE_ANEW = {"CCACHE_DISABLE": "1"}

_COMPILERS = ("cc", "c++", "gcc", "g++", "clang", "clang++")


def cached_compilers(folder: Path, variables: dict[str, str]) -> dict[str, str]:
    """Return variables under which the usual compilers are started through ccache, if it is there.

    Its links stand before the compilers on PATH, under their names: a build cannot tell, and the
    plugin finds and calls what it would find and call without.

    :param folder: gets the links and the objects.
    """
    ccache = shutil.which("ccache", path=variables["PATH"])
    if ccache is None:
        return variables
    links = folder / "compilers"
    links.mkdir(exist_ok=True)
    for name in _COMPILERS:
        if shutil.which(name, path=variables["PATH"]) is not None:
            replacement = links / f".{name}.{os.getpid()}"  # test processes do this side by side
            replacement.symlink_to(ccache)
            replacement.replace(links / name)
    return {
        **variables,
        "PATH": os.pathsep.join((str(links), variables["PATH"])),
        "CCACHE_DIR": str(folder / "objects"),
        "CCACHE_CONFIGPATH": os.devnull,
        # Every test has a folder of its own; none is left in an object, which tests assert.
        "CCACHE_NOHASHDIR": "1",
    }
