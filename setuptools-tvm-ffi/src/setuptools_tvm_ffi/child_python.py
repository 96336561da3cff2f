# SPDX-License-Identifier: Apache-2.0
"""Starts child Pythons with the build's import path and nothing from the project's folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

# `-I` keeps the working folder, PYTHONPATH and the user's site out; the path of the running
# interpreter, where an isolated build environment lives, comes in explicitly.
_BOOTSTRAP = (
    "import sys, json, runpy; "
    "sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_path(sys.argv.pop(1), run_name='__main__')"
)


def safe_path(path: Sequence[str], root: Path) -> list[str]:
    """Return the entries of an import path that do not make a project's files importable.

    >>> safe_path(["", "/project", "/site"], Path("/project"))
    ['/site']
    """
    root = root.resolve()
    return [
        entry for entry in path if entry and Path(entry).resolve() != root and entry != os.curdir
    ]


def start_python(
    file: Path, *, root: Path, messages: IO[bytes], variables: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a Python file with pipes (text, UTF-8) as its standard input and output.

    :param root: the project's folder, which is kept out of the import path.
    :param messages: an open file that gets what the child writes to standard error.
    :param variables: what its environment has beside that of this process.
    """
    command = [
        sys.executable,
        *("-I", "-B", "-X", "utf8", "-c", _BOOTSTRAP),
        json.dumps(safe_path(sys.path, root)),
        str(file),
    ]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=messages,
        env={**os.environ, **(variables or {})},
        text=True,
        encoding="utf-8",
    )
