# SPDX-License-Identifier: Apache-2.0
"""Starts Python child processes.

A child process has the same import path as this process, but without the project's folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import IO

# With `-I`, Python omits the working folder, PYTHONPATH and the user's site-packages from the
# import path. In an isolated build, the child also needs the folders of the build environment. The
# first argument therefore contains the parent's import path as a list in JSON, and this code makes
# this list the child's import path.
_PREPARE = "import sys, json, runpy; sys.path[:] = json.loads(sys.argv.pop(1)); "
_BOOTSTRAP = f"{_PREPARE}runpy.run_path(sys.argv.pop(1), run_name='__main__')"
_MODULE_BOOTSTRAP = (
    f"{_PREPARE}runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def safe_path(path: Sequence[str], root: Path) -> list[str]:
    """Return an import path without the project's folder.

    The entries ``""`` and ``"."`` stand for the working folder, and are removed.

    >>> safe_path(["", "/project", "/site"], Path("/project"))
    ['/site']
    """
    root = root.resolve()
    return [
        entry for entry in path if entry and Path(entry).resolve() != root and entry != os.curdir
    ]


def has_pip() -> bool:
    """Whether pip is installed for this interpreter.

    `importlib.util.find_spec("pip")` would call an import hook of setuptools (84.2). The hook would
    assume that pip is about to run, and disable setuptools' copy of distutils.
    """
    return PathFinder.find_spec("pip") is not None


def start_python(
    file: Path, *, root: Path, messages: IO[bytes], variables: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a Python file in a child process.

    The child's standard input and standard output are pipes for text in UTF-8.

    :param root: the project's folder, which is removed from the child's import path.
    :param messages: an open file that receives the child's standard error.
    :param variables: environment variables to add to the variables of this process.
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
    """Run ``python -m <module>`` in a child process. Return the exit status and the output.

    The child runs with a fixed hash seed, so that the iteration order of sets is reproducible.

    :param root: the project's folder, which is removed from the child's import path.
    :param folder: an empty folder that becomes the working folder of the child.
    :param variables: environment variables to add to the variables of this process.
    """
    # The option `-I` would disable PYTHONHASHSEED, so the command omits `-I`. Without `-I`, Python
    # reads all PYTHON* variables, so remove those that the user has set.
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
