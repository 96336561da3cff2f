# SPDX-License-Identifier: Apache-2.0
"""Starts child Pythons with the build's import path and nothing from the project's folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import IO

# `-I` keeps the working folder, PYTHONPATH and the user's site out; the path of the running
# interpreter, where an isolated build environment lives, comes in explicitly.
_PREPARE = "import sys, json, runpy; sys.path[:] = json.loads(sys.argv.pop(1)); "
_BOOTSTRAP = f"{_PREPARE}runpy.run_path(sys.argv.pop(1), run_name='__main__')"
_MODULE_BOOTSTRAP = (
    f"{_PREPARE}runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
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


def has_pip() -> bool:
    """Whether this interpreter has pip.

    Not asked as one asks for a module: setuptools' own finder (84.2) takes a look for pip for the
    start of it, and takes its distutils away.
    """
    return PathFinder.find_spec("pip") is not None


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


def run_module(
    module: str,
    arguments: Sequence[str],
    *,
    root: Path,
    folder: Path,
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a module as a program, as ``python -m`` does; return its status and all that it printed.

    What it makes of sets does not change from one run to the next.

    :param root: a folder that is kept out of the import path.
    :param folder: an empty one of this process, where the program is started.
    :param variables: what its environment has beside that of this process.
    """
    # As `-I`, which would ignore the seed of hashes as well.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [
            sys.executable,
            *("-s", "-B", "-X", "utf8", "-c", _MODULE_BOOTSTRAP),
            json.dumps(safe_path(sys.path, root)),
            module,
            *arguments,
        ],
        cwd=folder,
        env={**kept, "PYTHONHASHSEED": "0", **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
