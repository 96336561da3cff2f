# SPDX-License-Identifier: Apache-2.0
"""Interpreters, virtual environments and copies of the repository, for tests."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

#: Files that are never part of a source tree.
LEFT_OUT = shutil.ignore_patterns(
    "build", "dist", "*.egg-info", "__pycache__", ".git", ".venv*", ".*_cache", "*.pyc"
)

#: Variables that make compilers fast, for tests that do not depend on the machine code.
QUICK = {"CXXFLAGS": "-O0", "CFLAGS": "-O0"}

#: Packages that a build without isolation needs in addition to the plugin.
BUILD_REQUIREMENTS = ("setuptools>=77", "wheel", "packaging", "tomli", "ninja", "apache-tvm-ffi")


@dataclass(frozen=True)
class Interpreter:
    """A CPython that is installed on this machine."""

    executable: str
    version: tuple[int, int]

    @property
    def name(self) -> str:
        return f"CPython {self.version[0]}.{self.version[1]}"


@functools.cache
def find_interpreters() -> tuple[Interpreter, ...]:
    """Return one CPython for each minor version from 3.9 on. The running Python comes first."""
    names = [f"python3.{minor}" for minor in range(9, 20)]
    candidates = [sys.executable, *filter(None, map(shutil.which, names))]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates += map(str, sorted(pyenv.glob("*/bin/python")))
    found: dict[tuple[int, int], Interpreter] = {}
    for candidate in candidates:
        # Skip pre-releases, free-threaded builds and Pythons without venv: wheels are missing.
        program = (
            "import sys, platform, json, sysconfig, venv, ensurepip; "
            "plain = sys.version_info.releaselevel == 'final' and "
            "not sysconfig.get_config_var('Py_GIL_DISABLED'); "
            "print(json.dumps([platform.python_implementation() if plain else '', "
            "*sys.version_info[:2]]))"
        )
        process = subprocess.run(
            [candidate, "-I", "-c", program], capture_output=True, text=True, check=False
        )
        if process.returncode == 0:
            implementation, major, minor = json.loads(process.stdout)
            if implementation == "CPython" and (major, minor) >= (3, 9):
                found.setdefault((major, minor), Interpreter(candidate, (major, minor)))
    return tuple(found.values())


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and the environment variables of processes in it."""

    folder: Path
    variables: dict[str, str] = field(repr=False)

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def site_packages(self) -> Path:
        (found,) = self.folder.glob("lib/python3.*/site-packages")
        return found

    def run(
        self,
        *command: str | Path,
        cwd: Path,
        variables: dict[str, str] | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command. If it fails and `check` is true, fail the test with the output."""
        process = subprocess.run(
            list(map(str, command)),
            cwd=cwd,
            env={**self.variables, **(variables or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if check and process.returncode != 0:
            pytest.fail(
                f"{command} ended with {process.returncode}\n{process.stdout}\n{process.stderr}"
            )
        return process

    def pip(
        self,
        *arguments: str | Path,
        cwd: Path,
        variables: dict[str, str] | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run pip on this environment: the environment's own pip if there is one, else ours."""
        if (self.folder / "bin" / "pip").exists():
            pip = [self.python, "-m", "pip"]
        else:
            pip = [sys.executable, "-m", "pip", "--python", self.python]
        return self.run(*pip, *arguments, cwd=cwd, variables=variables, check=check)


def make_environment(
    folder: Path, variables: dict[str, str], python: str = sys.executable
) -> Environment:
    """Create a virtual environment. It contains pip only if it is for another Python."""
    # pip 26 does not support Python 3.9, so that pip of the tests would fail. Installing another
    # pip takes two seconds.
    own_pip = [] if python != sys.executable else ["--without-pip"]
    subprocess.run([python, "-m", "venv", *own_pip, str(folder)], check=True)
    return environment_in(folder, variables)


def environment_in(folder: Path, variables: dict[str, str]) -> Environment:
    """Return the environment in a folder."""
    path = os.pathsep.join((str(folder / "bin"), variables["PATH"]))
    return Environment(folder, {**variables, "PATH": path, "VIRTUAL_ENV": str(folder)})


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder. The first process of a test run fills the folder for all processes."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / name
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)  # `make` may have failed before
            folder.mkdir()
            make(folder)
            (folder / "made").touch()
    return folder


def copy_repository(destination: Path) -> Path:
    """Copy the repository's files, including uncommitted changes."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    if (REPOSITORY / ".git").exists() and listing.returncode == 0:
        for name in listing.stdout.decode().split("\0"):
            if name and (REPOSITORY / name).is_file():
                (destination / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, destination / name)
    else:
        shutil.copytree(REPOSITORY, destination, ignore=LEFT_OUT)
    return destination
