# SPDX-License-Identifier: Apache-2.0
"""Starts child Pythons with the build's import path and nothing from the project's folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# `-I` keeps the working folder, PYTHONPATH and the user's site out; the path of the running
# interpreter, where an isolated build environment lives, comes in explicitly.
_BOOTSTRAP = (
    "import sys, json, runpy; "
    "sys.path[:] = json.loads(sys.argv.pop(1)); "
    "program = sys.argv.pop(1); "
)
_RUN_MODULE = _BOOTSTRAP + "runpy.run_module(program, run_name='__main__', alter_sys=True)"
_RUN_FILE = _BOOTSTRAP + "runpy.run_path(program, run_name='__main__')"


def safe_path(path: Sequence[str], root: Path) -> list[str]:
    """Return the entries of an import path that do not make a project's files importable.

    >>> safe_path(["", "/project", "/site"], Path("/project"))
    ['/site']
    """
    root = root.resolve()
    return [
        entry for entry in path if entry and Path(entry).resolve() != root and entry != os.curdir
    ]


def run_module(
    module: str, arguments: Sequence[str], *, root: Path
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m module`` and return what it printed (text, UTF-8) and its exit status."""
    return _run(_RUN_MODULE, module, arguments, root)


def run_file(
    file: Path, arguments: Sequence[str], *, root: Path
) -> subprocess.CompletedProcess[str]:
    """Run a Python file and return what it printed (text, UTF-8) and its exit status."""
    return _run(_RUN_FILE, str(file), arguments, root)


def _run(
    bootstrap: str, program: str, arguments: Sequence[str], root: Path
) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        *("-I", "-B", "-X", "utf8", "-c", bootstrap),
        json.dumps(safe_path(sys.path, root)),
        program,
        *arguments,
    ]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
    )
