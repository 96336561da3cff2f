# SPDX-License-Identifier: Apache-2.0
"""Where a command's build keeps what it makes, and the lock on it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path, PurePosixPath
from typing import Any

from ..build_lock import build_lock


def build_folder(command: Any) -> PurePosixPath:  # noqa: ANN401 - any command of the distribution
    """Return the build folder, relative to the project's folder where it lies inside.

    One for each platform, shared by every Python: nothing in it depends on one.
    """
    base = Path(os.path.abspath(command.get_finalized_command("build").build_base))
    with contextlib.suppress(ValueError):  # outside the project, as with --build-base=/tmp/b
        base = base.relative_to(Path.cwd())
    platform = command.get_finalized_command("build_ext").plat_name
    return PurePosixPath(base.as_posix()) / f"tvm-ffi.{platform}"


def locked_build_folder(command: Any) -> contextlib.AbstractContextManager[None]:  # noqa: ANN401
    """Hold the lock of the build folder, see `build_lock`."""
    return build_lock(Path(build_folder(command)))
