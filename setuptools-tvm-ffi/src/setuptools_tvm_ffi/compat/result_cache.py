# SPDX-License-Identifier: Apache-2.0
"""Caches results, so that a release is not tested twice with the same inputs.

The cache is a folder in the user's cache folder. It contains one small file for each combination of
wheel, release and options. Corrupt files are ignored.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from .._version import __version__
from ..base.file_digest import digest_of
from ..base.file_replacement import replace_file
from ..base.json_file import read_object
from .result import TRANSIENT, Outcome, Result
from .trial import Plan

# Test commands write to these folders, so the contents of the folders are not inputs.
_NOT_WATCHED = {"__pycache__", "build", "dist"}


@dataclass(frozen=True)
class Cache:
    """Cached results of one wheel and one set of options.

    :param folder: the folder of the cache files; ``None`` to cache nothing.
    :param facts: all inputs of a result except the release.
    """

    folder: Path | None
    facts: Mapping[str, object]

    def find(self, release: Version) -> Result | None:
        """Return the cached result of a release."""
        if self.folder is None:
            return None
        content = read_object(self._file(self.folder, release))
        try:
            outcome = Outcome(content.pop("outcome"))
            return Result(release, outcome, cached=True, **content)
        except (KeyError, ValueError, TypeError):  # The file is missing or corrupt.
            return None

    def keep(self, result: Result) -> None:
        """Cache a result, unless the next run may return a different result."""
        if self.folder is None or result.outcome in TRANSIENT:
            return
        content = {
            "outcome": result.outcome.value,
            "detail": result.detail,
            "signal": result.signal,
            "called": result.called,
        }
        # If the file cannot be written, the next run tests the release again.
        with contextlib.suppress(OSError):
            replace_file(self._file(self.folder, result.release), json.dumps(content).encode())

    def _file(self, folder: Path, release: Version) -> Path:
        facts = {**self.facts, "release": str(release)}
        digest = digest_of(json.dumps(facts, sort_keys=True).encode())
        return folder / f"{digest}.json"


def facts_of(plan: Plan) -> dict[str, object]:
    """Return all inputs of a result except the release."""
    return {
        "wheel": plan.subject.sha256,
        "plugin": __version__,
        "python": [sys.version, sys.implementation.cache_tag],
        "platform": [platform.system(), platform.machine(), *platform.libc_ver()],
        "with": plan.with_requirements,
        "skipped": plan.skipped,
        "sdists": plan.installer.allow_sdists,
        "command": plan.command,
        "files": _states(plan),
    }


def _states(plan: Plan) -> Mapping[str, str]:
    """Return the state of each local file that may change the result of a test.

    The keys of the dictionary are paths. If the user has given a command, the dictionary contains
    all files in the folder where the command runs. The additional requirements and the words of the
    command can name files and folders. The dictionary also contains these files, and all files in
    these folders. A word may have the form ``--option=FILE``, ``FILE::test`` or ``FOLDER[extra]``.
    """
    states: dict[str, str] = {}
    if plan.command is not None:
        _add_folder(states, plan.folder)
    for word in (*plan.with_requirements, *(plan.command or ())):
        names = {word, word.partition("=")[2], word.partition("::")[0], word.partition("[")[0]}
        for name in names - {""}:
            path = Path(os.path.normpath(plan.folder / name))
            # Skip a word that is not a valid file name, and a file that is missing.
            with contextlib.suppress(OSError, ValueError):
                if path.is_file():
                    states[str(path)] = digest_of(path)
                # Skip the parents of the command's folder: they contain files of other projects.
                elif path not in (plan.folder, *plan.folder.parents):
                    _add_folder(states, path)
    return states


def _add_folder(states: dict[str, str], folder: Path) -> None:
    """Add the size and the modification time of each file in a folder.

    Hidden files, hidden folders and the folders in `_NOT_WATCHED` are skipped.
    """
    for parent, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if f[0] != "." and f not in _NOT_WATCHED]
        for name in files:
            if name[0] != ".":
                path = os.path.join(parent, name)
                with contextlib.suppress(OSError):
                    status = os.stat(path)
                    states[path] = f"{status.st_size} {status.st_mtime_ns}"
