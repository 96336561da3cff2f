# SPDX-License-Identifier: Apache-2.0
"""The source date: the time that archives and compilers use instead of the current time.

The source date makes builds reproducible. The variable ``SOURCE_DATE_EPOCH`` declares it
(https://reproducible-builds.org/specs/source-date-epoch/). If the variable is not set, the source
date is the time of the last commit. In an unpacked sdist, it is the time when the sdist was packed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..base.errors import PREFIX, ConfigurationError

VARIABLE = "SOURCE_DATE_EPOCH"

# The last time that gzip can store, in the year 2106. ZIP archives can store the year 2107.
_LAST = 2**32 - 1

# If the last commit contains none of these files, the project is not part of the repository. For
# example, the repository may contain a home folder and ignore the project.
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")

# Git sets these variables for its hooks. If a hook starts a build, the variables would select the
# wrong repository.
_REPOSITORY_VARIABLES = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE"),
    }
)

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def applied_source_date(root: Path) -> Iterator[None]:
    """Set ``SOURCE_DATE_EPOCH`` inside the ``with`` block if there is a source date.

    setuptools uses this variable for the files of a wheel, and compilers for ``__DATE__``.

    :param root: the project's folder.
    :raises ConfigurationError: the variable is not a valid time.
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
    # Without ZERO_AR_DATE, Apple's linker writes the times of objects into debug information.
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
    """Return the value of ``SOURCE_DATE_EPOCH`` in seconds since 1970, or None if it is not set.

    :raises ConfigurationError: it is not a time that archives can store.

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
    """Return the time of the checked-out commit, or None if no commit contains the project.

    Uncommitted changes do not matter.
    """
    git = shutil.which("git")
    if git is None:
        if (root / ".git").exists():
            logger.warning(
                "%s: warning: %s is a git repository, but git is not installed", PREFIX, root
            )
        return None
    # These plumbing commands ignore output settings, and start no pager, hook or fsmonitor.
    commit = _run_git(git, root, "rev-list", "--max-count=1", "--timestamp", "HEAD")
    if not commit:
        return None
    if not _run_git(git, root, "ls-tree", "--name-only", "HEAD", "--", *_PROJECT_FILES):
        return None
    return int(commit.split()[0])


def sdist_date(root: Path) -> int | None:
    """Return the time when an unpacked sdist was packed, or None for any other folder.

    The result is the modification time of `PKG-INFO`. pip and build restore this time from the
    archive. uv does not.
    """
    try:
        return int((root / "PKG-INFO").stat().st_mtime)
    except OSError:
        return None


def _run_git(git: str, root: Path, *arguments: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in _REPOSITORY_VARIABLES}
    # Do not fetch objects that a partial clone lacks. (Git 2.44 and newer.)
    environment |= {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    result = subprocess.run(
        # Ignore bare repositories inside the project. (Git 2.38 and newer.)
        [git, "-C", str(root), "-c", "safe.bareRepository=explicit", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if result.returncode != 0:
        if "dubious ownership" in result.stderr:
            logger.warning(
                "%s: warning: git ignores %s, because another user owns this folder; "
                "to allow it, run: git config --global --add safe.directory FOLDER",
                PREFIX,
                root,
            )
        return ""
    return result.stdout.strip()
