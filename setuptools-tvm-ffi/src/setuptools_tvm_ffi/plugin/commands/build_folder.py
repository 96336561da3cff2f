# SPDX-License-Identifier: Apache-2.0
"""The build folder of a command, and its lock."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from ...base.build_lock import build_lock
from ...base.errors import BuildError
from ...base.file_replacement import replace_file
from ...base.interruption import interruptible
from ...base.write_failures import reported_write_failures
from ...cross.targets import target_of
from ...editable.hook import IGNORE_EVERYTHING
from ..context import project_of

IGNORE_FILE = ".gitignore"
COMPILE_COMMANDS = "compile_commands.json"

# Builds create files and folders with these names in `build_base`, which contains all build
# folders.
_MADE_BY_BUILDS = (
    *("tvm-ffi.*", "metadata.*", "*.egg-info", COMPILE_COMMANDS),
    *("lib.*", "temp.*", "bdist.*", "scripts-*"),
)


def build_folder(
    command: Any,  # noqa: ANN401 - any command of the distribution
    *,
    for_host: bool = False,
) -> PurePosixPath:
    """Return the build folder. The path is relative if the folder is inside the project.

    Each platform has one folder. All Python versions share this folder, because the files in the
    folder do not depend on the Python version.

    :param for_host: whether to return the folder for this machine even if there is a target.
    """
    base = Path(os.path.abspath(command.get_finalized_command("build").build_base))
    with contextlib.suppress(ValueError):  # Outside the project: keep the absolute path.
        base = base.relative_to(Path.cwd())
    target = None if for_host else target_of(project_of(command.distribution))
    platform = target.name if target else command.get_finalized_command("build_ext").plat_name
    return PurePosixPath(base.as_posix()) / f"tvm-ffi.{platform}"


@contextlib.contextmanager
def locked_build_folder(
    command: Any,  # noqa: ANN401 - as above
    *,
    for_host: bool = False,
) -> Iterator[None]:
    """Create the build folder and hold its lock, see `build_lock`.

    If a signal terminates the ``with`` block, its clean-up code runs, see `interruptible`.

    :raises BuildError: a file below the build folder cannot be written.
    """
    folder = Path(build_folder(command, for_host=for_host))
    with interruptible(), writable_build_base(command), build_lock(folder):
        yield


def delete_folder(folder: Path) -> None:
    """Delete a folder if it exists.

    If a build continued without deleting the folder, the wheel would contain stale files.

    :raises BuildError: the folder cannot be deleted.
    """
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as problem:
        raise BuildError(
            f"cannot delete {folder}: {problem}",
            hint="delete the folder, then build again",
        ) from problem


@contextlib.contextmanager
def writable_build_base(
    command: Any,  # noqa: ANN401 - as above
) -> Iterator[Path]:
    """Create the folder that contains all build folders, and write a `.gitignore` into it.

    If the folder may contain files of the user, no `.gitignore` is written.

    :raises BuildError: a file below the folder cannot be written.
    """
    base = Path(command.get_finalized_command("build").build_base)
    with reported_write_failures(base):
        base.mkdir(parents=True, exist_ok=True)
        # If the folder existed before, write the `.gitignore` only if the folder is empty or
        # contains only files and folders of earlier builds.
        if all(any(fnmatch.fnmatch(n, own) for own in _MADE_BY_BUILDS) for n in os.listdir(base)):
            replace_file(base / IGNORE_FILE, IGNORE_EVERYTHING)
        yield base


def is_own_base(base: Path) -> bool:
    """Whether the plugin has created the folder that contains all build folders."""
    try:
        return (base / IGNORE_FILE).read_bytes() == IGNORE_EVERYTHING
    except OSError:
        return False


def publish_compile_commands(folder: Path) -> None:
    """Copy the compilation database of a build folder to the parent folder, where clangd searches.

    If the plugin has not created the parent folder, nothing is copied: another build system may
    have written a database into that folder.
    """
    database = folder / COMPILE_COMMANDS
    if is_own_base(folder.parent) and database.is_file():
        replace_file(folder.parent / COMPILE_COMMANDS, database.read_bytes())
