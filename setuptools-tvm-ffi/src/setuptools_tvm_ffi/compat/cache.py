# SPDX-License-Identifier: Apache-2.0
"""Keeps results, so that a release is not tried twice for nothing.

They lie in the user's cache folder, for a wheel may lie anywhere: one small file for each wheel,
release and way of trying. What is not understood there is as if it were not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..file_replacement import replace_file
from .releases import Release
from .result import TRANSIENT, Outcome, Result
from .trial import PROBE

_SCHEMA = 1

# A folder with more files than this is no project, and is not watched.
_MAX_FILES = 20_000

# What commands write beside what they test.
_NOT_WATCHED = {"__pycache__", "build", "dist"}


@dataclass(frozen=True)
class Cache:
    """Results by what they are the results of.

    :param folder: where they lie, ``None`` for nowhere.
    :param facts: all that a result hangs on, but for the release.
    """

    folder: Path | None
    facts: Mapping[str, object]

    def find(self, release: Release) -> Result | None:
        """Return what came of trying a release earlier."""
        if self.folder is None:
            return None
        try:
            content = json.loads(self._file(self.folder, release).read_bytes())
            outcome = Outcome(content["outcome"])
            detail, signal = content["detail"], content["signal"]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        if not isinstance(detail, str) or not isinstance(signal, (str, type(None))):
            return None
        return Result(release, outcome, detail, signal, cached=True)

    def keep(self, result: Result) -> None:
        """Keep a result, unless it may be another one the next time."""
        if self.folder is None or result.outcome in TRANSIENT:
            return
        content = {
            "outcome": result.outcome.value,
            "detail": result.detail,
            "signal": result.signal,
        }
        # Without a place for it, it is found out again.
        with contextlib.suppress(OSError):
            replace_file(self._file(self.folder, result.release), json.dumps(content).encode())

    def _file(self, folder: Path, release: Release) -> Path:
        facts = {**self.facts, "schema": _SCHEMA, "release": str(release.version)}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return folder / f"{digest}.json"


def facts_of(
    *,
    wheel: str,
    with_requirements: Sequence[str],
    skipped: Sequence[str],
    command: Sequence[str] | None,
    folder_state: str | None,
) -> dict[str, object]:
    """Return what a result hangs on.

    :param wheel: its SHA-256.
    :param folder_state: of the folder that the command runs in.
    """
    return {
        "wheel": wheel,
        "plugin": [__version__, hashlib.sha256(PROBE.read_bytes()).hexdigest()],
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


def folder_state(folder: Path) -> str | None:
    """Return what changes when a file in a folder does, ``None`` where it has too many.

    A command reads tests, which are no part of the wheel. Hidden folders, and those that commands
    write into, do not count.
    """
    digest, count = hashlib.sha256(os.fsencode(folder)), 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f[0] != "." and f not in _NOT_WATCHED)
        count += len(files)
        if count > _MAX_FILES:
            return None
        for name in sorted(files):
            path = os.path.join(place, name)
            with contextlib.suppress(OSError):
                status = os.stat(path)
                digest.update(os.fsencode(path))
                digest.update(f" {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def default_folder(variables: Mapping[str, str]) -> Path | None:
    """Return where results are kept (XDG Base Directory Specification, and what others do).

    :param variables: those of the environment.
    """
    if sys.platform == "win32":
        base = variables.get("LOCALAPPDATA")
    else:
        base = variables.get("XDG_CACHE_HOME")
        if base is None or not os.path.isabs(base):
            caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
            home = os.path.expanduser("~")
            base = os.path.join(home, caches) if os.path.isabs(home) else None
    return None if base is None else Path(base, "setuptools-tvm-ffi", "compat")
