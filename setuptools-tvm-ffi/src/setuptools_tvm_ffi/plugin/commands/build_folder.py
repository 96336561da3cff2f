# SPDX-License-Identifier: Apache-2.0
"""The build folder of a command, and its lock."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path, PurePosixPath
from typing import Any

from ...base.build_lock import build_lock
from ...cross.targets import target_of
from ..context import project_of


def build_folder(
    command: Any,  # noqa: ANN401 - any command of the distribution
    *,
    for_host: bool = False,
) -> PurePosixPath:
    """Return the build folder. The path is relative if it is inside the project's folder.

    Each platform has one folder. All Pythons share the folder: no file in it depends on Python.

    :param for_host: whether to return the folder for this machine even if there is a target.
    """
    base = Path(os.path.abspath(command.get_finalized_command("build").build_base))
    with contextlib.suppress(ValueError):  # outside the project, as with --build-base=/tmp/b
        base = base.relative_to(Path.cwd())
    target = None if for_host else target_of(project_of(command.distribution))
    platform = target.name if target else command.get_finalized_command("build_ext").plat_name
    return PurePosixPath(base.as_posix()) / f"tvm-ffi.{platform}"


def locked_build_folder(
    command: Any,  # noqa: ANN401 - as above
    *,
    for_host: bool = False,
) -> contextlib.AbstractContextManager[None]:
    """Return the lock of the build folder, see `build_lock`."""
    return build_lock(Path(build_folder(command, for_host=for_host)))
