# SPDX-License-Identifier: Apache-2.0
"""The time that archives and compilers are to take for now, so that a build can be repeated.

``SOURCE_DATE_EPOCH`` (https://reproducible-builds.org/specs/source-date-epoch/) or, where nobody
has set it, the time of the last commit; in an unpacked sdist, what it was packed with.
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

# In the year 2106: gzip has 32 bits for a time. ZIP archives end a year later.
_LAST = 2**32 - 1

# One of these is in the last commit if the project is: a folder that merely lies in somebody's
# repository, as in a home folder that is one, has no time from it.
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")

# What a hook of git that runs a build leaves behind; it would be asked about another repository.
_OF_A_REPOSITORY = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE"),
    }
)

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def applied_source_date(root: Path) -> Iterator[None]:
    """Have one time hold for everything that is done and started inside, if there is one.

    setuptools stamps the files of a wheel with it, and compilers take it for ``__DATE__``.

    :param root: the project's folder.
    :raises ConfigurationError: the variable is no time.
    """
    date = declared_date(os.environ)
    if date is None:
        date, what = commit_date(root), "the last commit's time"
        if date is None:
            date, what = sdist_date(root), "the modification time of PKG-INFO"
        if date is None:
            logger.info(
                "%s: %s is not set and no commit says it: files keep their times", PREFIX, VARIABLE
            )
        else:
            logger.info("%s: %s=%d, %s", PREFIX, VARIABLE, date, what)
    # Apple's linker writes the times of objects into debug information without this one.
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
    """Return what the variable says, in seconds since 1970; none if it is not set.

    :raises ConfigurationError: it is no time, or none that an archive can write.

    >>> declared_date({"SOURCE_DATE_EPOCH": "1700000000"})
    1700000000
    """
    text = environment.get(VARIABLE)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(_LAST))):
        raise ConfigurationError(
            f"{VARIABLE} is {text!r}, expected seconds since 1970, in decimal",
            hint="for example the output of: git log -1 --format=%ct",
        )
    if int(text) > _LAST:
        raise ConfigurationError(
            f"{VARIABLE} is {text}, expected 0 to {_LAST}: archives can write no time after 2106"
        )
    return int(text)


def commit_date(root: Path) -> int | None:
    """Return when the commit was made that is checked out; none if it does not hold the project.

    Changes that are not committed make no difference: the time says what the sources are based on.
    """
    git = shutil.which("git")
    if git is None:
        if (root / ".git").exists():
            logger.warning("%s: warning: %s is a repository, and there is no git", PREFIX, root)
        return None
    # `rev-list` and `ls-tree` are for programs: they read no configuration of how to print, start
    # no pager, no hook and no monitor of the file system, and write nothing.
    commit = _ask(git, root, "rev-list", "--max-count=1", "--timestamp", "HEAD")
    if not commit:
        return None
    if not _ask(git, root, "ls-tree", "--name-only", "HEAD", "--", *_PROJECT_FILES):
        return None
    date = int(commit.split()[0])
    return date if 0 <= date <= _LAST else None


def sdist_date(root: Path) -> int | None:
    """Return the time of an unpacked sdist, or None if the folder is something else.

    It is the modification time of `PKG-INFO`, which pip and build restore from the archive. uv does
    not.
    """
    try:
        date = int((root / "PKG-INFO").stat().st_mtime)
    except OSError:
        return None
    return date if 0 <= date <= _LAST else None


def _ask(git: str, root: Path, *question: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in _OF_A_REPOSITORY}
    # A partial clone would fetch what it lacks. (From 2.44 on.)
    environment |= {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    answer = subprocess.run(
        # A folder that only looks like a repository, because files say so, is none. (From 2.38 on.)
        [git, "-C", str(root), "-c", "safe.bareRepository=explicit", *question],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if answer.returncode != 0:
        if "dubious ownership" in answer.stderr:
            logger.warning(
                "%s: warning: git does not trust %s, which belongs to another user: no commit says "
                "a time (git config --global --add safe.directory FOLDER)",
                PREFIX,
                root,
            )
        return ""
    return answer.stdout.strip()
