# SPDX-License-Identifier: Apache-2.0
"""Reports files that cannot be written to the build folder, for example because a disk is full."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from setuptools.errors import FileError

from .errors import BuildError

HOW_TO_MOVE = (
    "to use another build folder, set SETUPTOOLS_TVM_FFI_BUILD_DIR to its path, or build-dir in "
    "[tool.setuptools-tvm-ffi]"
)

_NUMBERS = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
        *(errno.EEXIST, errno.ENOTDIR),
    }
)
#: A disk with fewer free bytes counts as full.
_NEARLY_FULL = 2**16
_FULL = re.compile(
    "|".join(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EROFS))), re.IGNORECASE
)


@contextlib.contextmanager
def reported_write_failures(build_base: Path) -> Iterator[None]:
    """Turn the error of a failed write into a `BuildError` if the file is in the build folder.

    :param build_base: the build folder.
    :raises BuildError: the ``with`` block cannot write a file in the build folder.
    """
    try:
        yield
    except OSError as problem:
        if problem.errno not in _NUMBERS or not _may_be_below(problem.filename, build_base):
            raise
        raise BuildError(
            f"cannot write {problem.filename or f'below {build_base}'}: {problem.strerror}",
            hint=HOW_TO_MOVE,
        ) from problem
    except FileError as problem:
        # The message of this distutils error names the file, so use this message.
        cause = problem.__context__
        reads = str(problem).startswith(("could not open", "could not read"))
        if reads or not isinstance(cause, OSError) or cause.errno not in _NUMBERS:
            raise
        raise BuildError(str(problem), hint=HOW_TO_MOVE) from problem


def hint_for_output(printed: str) -> str | None:
    """Return a hint if the output of a tool reports a full or read-only disk, else ``None``."""
    return HOW_TO_MOVE if _FULL.search(printed) else None


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder is full."""
    return shutil.disk_usage(folder).free < _NEARLY_FULL


def _may_be_below(file: str | bytes | int | None, folder: Path) -> bool:
    """Whether the path of a failed write may be `folder` or a path inside `folder`.

    :param file: the path in the error, or ``None`` if the error does not name a file. For ``None``,
        the result is ``True`` if the disk of `folder` is full.
    """
    if file is None:
        # When a write to an open file fails, the error does not name the file.
        return folder.is_dir() and is_full(folder)
    if isinstance(file, int):
        return False
    path, top = (Path(os.path.abspath(os.fsdecode(each))) for each in (file, folder))
    return path == top or top in path.parents
