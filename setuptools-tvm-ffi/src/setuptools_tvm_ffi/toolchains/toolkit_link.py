# SPDX-License-Identifier: Apache-2.0
"""Gives a CUDA toolkit in the build environment a stable path: a link in the build folder.

Each isolated build environment has a new path, which would change the outputs of nvcc. nvcc derives
the paths of its headers and libraries from the path with which nvcc was started. nvlink (13.0)
writes the paths of the libraries into device code.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from ..project.build_environment import is_below, stable_names
from .nvcc import NvccCompiler


def link_toolkit(nvcc: NvccCompiler, root: Path, link: Path) -> NvccCompiler:
    """Create a link to the toolkit if nvcc is in the build environment.

    :param root: the project's folder.
    :param link: the path of the link, relative to `root`.
    :returns: a compiler that is started through the link. The result is `nvcc` if nvcc is outside
        the build environment, or if the link cannot be created.
    """
    program = nvcc.compiler.command[0]
    if not any(is_below(program, folder) for folder in stable_names(str(root))):
        return nvcc
    toolkit = os.path.dirname(os.path.dirname(program))
    place = root / link
    try:
        place.unlink(missing_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(toolkit, target_is_directory=True)
    except OSError:
        return nvcc  # On Windows, the user may lack the right to create links.

    def linked(path: str) -> str:
        return link.as_posix() + path[len(toolkit) :] if is_below(path, toolkit) else path

    return replace(
        nvcc,
        compiler=replace(nvcc.compiler, command=(linked(program),)),
        library_dirs=tuple(map(linked, nvcc.library_dirs)),
    )
