# SPDX-License-Identifier: Apache-2.0
"""Runs git in the repository of the project."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from pathlib import Path

from ..base.errors import PREFIX

#: If git lists none of these files, the project is not part of a repository, even if its folder is
#: inside a repository. For example, a home folder can be a repository that ignores the project.
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")

# When git runs a hook, it sets these variables. If the hook starts a build, the build removes the
# variables before it runs git. Otherwise, git would use the repository of the hook, not the
# repository of the project.
_REPOSITORY_VARIABLES = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE"),
    }
)

logger = logging.getLogger(__name__)


def run_git(root: Path, *arguments: str) -> str:
    """Run git in a folder and return its output. Return "" if git fails or is not installed."""
    git = shutil.which("git")
    if git is None:
        if (root / ".git").exists():
            logger.warning(
                "%s: warning: ignoring the git repository %s, because git is not installed",
                PREFIX,
                root,
            )
        return ""
    environment = {k: v for k, v in os.environ.items() if k not in _REPOSITORY_VARIABLES}
    # A partial clone lacks some objects. GIT_NO_LAZY_FETCH (Git 2.44 and newer) keeps git from
    # fetching them.
    environment |= {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    result = subprocess.run(
        # With safe.bareRepository=explicit, git ignores bare repositories inside the project (Git
        # 2.38 and newer). With core.fsmonitor=false, git does not start the program that the
        # repository configures as its file system monitor.
        [
            *(git, "-C", str(root), "-c", "safe.bareRepository=explicit"),
            *("-c", "core.fsmonitor=false", *arguments),
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    if result.returncode != 0:
        if "dubious ownership" in result.stderr:
            logger.warning(
                "%s: warning: git ignores %s, because another user owns this folder; "
                "to trust the folder, run: git config --global --add safe.directory FOLDER",
                PREFIX,
                root,
            )
        return ""
    return result.stdout
