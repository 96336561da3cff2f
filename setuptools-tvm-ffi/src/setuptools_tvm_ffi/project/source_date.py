# SPDX-License-Identifier: Apache-2.0
"""The source date: the time that archives and compilers use instead of the current time.

The source date makes builds reproducible. It is the value of the variable ``SOURCE_DATE_EPOCH``
(https://reproducible-builds.org/specs/source-date-epoch/). If the variable is not set, the source
date is the time of the last commit, or, in an unpacked sdist, the time when the sdist was packed.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..base.errors import PREFIX, ConfigurationError
from .git import PROJECT_FILES, run_git

VARIABLE = "SOURCE_DATE_EPOCH"

# The latest time that gzip can store, which is in the year 2106. ZIP archives can store later
# times, until 2107.
_LAST = 2**32 - 1

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def applied_source_date(root: Path) -> Iterator[None]:
    """Set ``SOURCE_DATE_EPOCH`` inside the ``with`` block if there is a source date.

    setuptools reads this variable for the times of files in a wheel. Compilers read it for
    ``__DATE__``.

    :param root: the project's folder.
    :raises ConfigurationError: the value of the variable is not a valid time.
    """
    date = declared_date(os.environ)
    if date is None:
        date, source = commit_date(root), "the time of the last commit"
        if date is None:
            date, source = sdist_date(root), "the modification time of PKG-INFO"
        if date is None:
            logger.info(
                "%s: not reproducible: no %s and no git commit, so files keep their own timestamps",
                PREFIX,
                VARIABLE,
            )
        else:
            logger.info("%s: %s=%d, %s", PREFIX, VARIABLE, date, source)
    # If ZERO_AR_DATE is not set, Apple's linker writes the times of objects to debug information.
    variables = {"ZERO_AR_DATE": "1"}
    if date is not None:
        variables[VARIABLE] = str(date)
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def declared_date(environment: Mapping[str, str]) -> int | None:
    """Return ``SOURCE_DATE_EPOCH`` in seconds since 1970, or ``None`` if it is not set.

    :raises ConfigurationError: the value is not a time that archives can store.

    >>> declared_date({"SOURCE_DATE_EPOCH": "1700000000"})
    1700000000
    """
    text = environment.get(VARIABLE)
    if text is None:
        return None
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(_LAST))
    if not digits or int(text) > _LAST:
        raise ConfigurationError(
            f"{VARIABLE} is {text!r}, expected seconds since 1970 in decimal, 0 to {_LAST}",
            hint="for example, use the output of: git log -1 --format=%ct",
        )
    return int(text)


def commit_date(root: Path) -> int | None:
    """Return the time of the checked-out commit.

    The result does not depend on uncommitted changes.

    :returns: ``None`` if there is no commit, or if the commit does not contain the project.
    """
    # Use git commands that ignore the user's settings for output, and start no pager and no hook.
    commit = run_git(root, "rev-list", "--max-count=1", "--timestamp", "HEAD")
    if not commit:
        return None
    if not run_git(root, "ls-tree", "--name-only", "HEAD", "--", *PROJECT_FILES):
        return None
    return int(commit.split()[0])


def sdist_date(root: Path) -> int | None:
    """Return the time when an unpacked sdist was packed, or ``None`` if `root` is not an sdist.

    The result is the modification time of `PKG-INFO`. When pip or build unpack an sdist, they set
    this time to the time in the archive. uv does not: the result is then the time of unpacking.
    """
    try:
        return int((root / "PKG-INFO").stat().st_mtime)
    except OSError:
        return None
