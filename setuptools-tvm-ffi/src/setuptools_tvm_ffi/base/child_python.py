# SPDX-License-Identifier: Apache-2.0
"""Starts Python child processes that inherit the import path, without the project's folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import IO

# `-I` removes the working folder, PYTHONPATH and the user's site-packages from the import path. The
# parent's import path, which contains the isolated build environment, is passed explicitly.
_PREPARE = "import sys, json, runpy; sys.path[:] = json.loads(sys.argv.pop(1)); "
_BOOTSTRAP = f"{_PREPARE}runpy.run_path(sys.argv.pop(1), run_name='__main__')"
_MODULE_BOOTSTRAP = (
    f"{_PREPARE}runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def safe_path(path: Sequence[str], root: Path) -> list[str]:
    """Return an import path without the entries that make files of the project importable.

    >>> safe_path(["", "/project", "/site"], Path("/project"))
    ['/site']
    """
    root = root.resolve()
    return [
        entry for entry in path if entry and Path(entry).resolve() != root and entry != os.curdir
    ]


def has_pip() -> bool:
    """Whether pip is installed for this interpreter.

    `importlib.util.find_spec` would query the finder of setuptools (84.2). That finder assumes that
    pip is about to run, and disables setuptools' copy of distutils.
    """
    return PathFinder.find_spec("pip") is not None


def start_python(
    file: Path, *, root: Path, messages: IO[bytes], variables: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a Python file with pipes (text, UTF-8) as its standard input and output.

    :param root: the project's folder, which is removed from the import path.
    :param messages: an open file that receives the child's standard error.
    :param variables: environment variables in addition to those of this process.
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
    """Run a module as ``python -m`` does; return its exit status and its output.

    A fixed hash seed makes the iteration order of sets reproducible.

    :param root: a folder that is removed from the import path.
    :param folder: an empty folder, the working folder of the child.
    :param variables: environment variables in addition to those of this process.
    """
    # `-I` would ignore PYTHONHASHSEED. Without `-I`, Python's variables must be removed.
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
