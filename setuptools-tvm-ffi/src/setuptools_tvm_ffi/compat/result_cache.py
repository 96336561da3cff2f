# SPDX-License-Identifier: Apache-2.0
"""Caches results, so that a release is not tested twice with the same inputs.

The cache is a folder of the per-user cache, with one small file per wheel, release and set of
options. Corrupt files are ignored.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from .._version import __version__
from ..base.file_digest import digest_of
from ..base.file_replacement import replace_file
from ..base.json_file import read_object
from .result import TRANSIENT, Outcome, Result
from .trial import PROBE

_SCHEMA = 2

# A folder with more files is not a project: results that may depend on it are not cached.
_MAX_FILES = 20_000

# Folders that commands write to.
_NOT_WATCHED = {"__pycache__", "build", "dist"}


@dataclass(frozen=True)
class Cache:
    """Cached results of one wheel and one set of options.

    :param folder: the folder of the files, or ``None`` to cache nothing.
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
            outcome = Outcome(content["outcome"])
            detail, signal, called = content["detail"], content["signal"], content["called"]
        except (ValueError, LookupError):
            return None
        if not isinstance(detail, str) or not isinstance(signal, (str, type(None))):
            return None
        if not isinstance(called, (int, type(None))):
            return None
        return Result(release, outcome, detail, signal, cached=True, called=called)

    def keep(self, result: Result) -> None:
        """Cache a result, unless another run may give another result."""
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
        facts = {**self.facts, "schema": _SCHEMA, "release": str(release)}
        digest = digest_of(json.dumps(facts, sort_keys=True).encode())
        return folder / f"{digest}.json"


def facts_of(
    *,
    wheel: str,
    with_requirements: Sequence[str],
    skipped: Sequence[str],
    command: Sequence[str] | None,
    folder_state: str | None,
) -> dict[str, object]:
    """Return the inputs of a result.

    :param wheel: the SHA-256 of the wheel.
    :param folder_state: the digest of the files that are installed with the wheel or that the
        command may read.
    """
    return {
        "wheel": wheel,
        "plugin": [__version__, digest_of(PROBE)],
        "python": [
            sys.implementation.name,
            platform.python_version(),
            sys.implementation.cache_tag,
        ],
        "platform": [platform.system(), platform.machine(), *platform.libc_ver()],
        "with": list(with_requirements),
        "skipped": list(skipped),
        "command": None if command is None else list(command),
        "folder": folder_state,
    }


@dataclass(frozen=True)
class Watch:
    """The files that a result depends on, without those that the command itself writes.

    If a command wrote a new report in each run, and the report counted, no result would ever be
    reused. A file that appears while the command runs belongs to the command until something else
    changes it.

    :param folder: the folder in which the command runs.
    :param command: the command, or ``None`` for the probe, which reads no file of the folder.
    :param requirements: the additional requirements, which may be paths.
    :param notes: the folder that records which files commands have written; ``None`` records
        nothing.
    """

    folder: Path
    command: Sequence[str] | None
    requirements: Sequence[str]
    notes: Path | None

    def before(self) -> Mapping[str, str] | None:
        """Return the state of each file, or ``None`` if there are too many files."""
        states = self._states()
        if states is None:
            return None
        written = self._written()
        return {path: state for path, state in states.items() if written.get(path) != state}

    def after(self, before: Mapping[str, str]) -> None:
        """Record which files the command has written."""
        states = self._states()
        if self.notes is None or self.command is None or states is None:
            return
        written = {path: state for path, state in states.items() if path not in before}
        with contextlib.suppress(OSError):
            replace_file(self._file(self.notes), json.dumps(written).encode())

    def _states(self) -> dict[str, str] | None:
        states: dict[str, str] = {}
        if self.command is not None and not _add_folder(states, self.folder):
            return None
        for path in named_files([*self.requirements, *(self.command or ())], self.folder):
            # Parent folders contain files that do not belong to the project.
            if str(path) in states or path in (self.folder, *self.folder.parents):
                continue
            if path.is_dir():
                if not _add_folder(states, path):
                    return None
            else:
                with contextlib.suppress(OSError):
                    states[str(path)] = digest_of(path)
        return states

    def _written(self) -> Mapping[str, str]:
        if self.notes is None or self.command is None:
            return {}
        return read_object(self._file(self.notes))

    def _file(self, notes: Path) -> Path:
        key = json.dumps([str(self.folder), *(self.command or ())]).encode()
        return notes / f"{digest_of(key)}.written.json"


def folder_state(states: Mapping[str, str]) -> str:
    """Return a digest of the states of all files."""
    return digest_of(json.dumps(states, sort_keys=True).encode())


def named_files(words: Sequence[str], folder: Path) -> tuple[Path, ...]:
    """Return the files and folders named by the words of a command or by requirements.

    The words ``--option=FILE``, ``FILE::test``, ``FOLDER[extra]`` and ``name @ file:///FILE`` name
    them as well.

    :param folder: the folder that relative paths start from.
    """
    found: dict[Path, None] = {}
    for word in words:
        options = (word, word.partition("=")[2], word.partition("::")[0], word.partition("[")[0])
        for text in (*options, _path_of_url(word)):
            path = Path(os.path.normpath(folder / text))
            with contextlib.suppress(OSError, ValueError):  # too long or invalid as a file name
                if text and path.exists():
                    found[path] = None
    return tuple(found)


def _path_of_url(word: str) -> str:
    text = word.rpartition("@")[2].strip()
    if not text.startswith("file:"):
        return ""
    return urllib.request.url2pathname(urllib.parse.urlsplit(text).path)


def _add_folder(states: dict[str, str], folder: Path) -> bool:
    """Add the size and time of each file of a folder; return ``False`` if there are too many.

    A command reads files that the wheel does not contain, such as tests. Hidden files and folders
    that commands write to are skipped.
    """
    for place, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if f[0] != "." and f not in _NOT_WATCHED]
        for name in files:
            if name[0] != ".":
                path = os.path.join(place, name)
                with contextlib.suppress(OSError):
                    status = os.stat(path)
                    states[path] = f"{status.st_size} {status.st_mtime_ns}"
        if len(states) > _MAX_FILES:
            return False
    return True
