# SPDX-License-Identifier: Apache-2.0
"""What tests share: interpreters, a local wheelhouse, virtual environments, copies of sources."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent

#: What is never part of a source tree.
_LEFT_OUT = shutil.ignore_patterns(
    "build", "dist", "*.egg-info", "__pycache__", ".git", ".venv*", ".*_cache", "*.pyc"
)

# What isolated builds install, what the tests of a wheel import, and the frontends.
_BUILD_REQUIREMENTS = ("setuptools>=77", "wheel", "packaging", "tomli", "ninja", "apache-tvm-ffi")
_TEST_REQUIREMENTS = ("apache-tvm-ffi", "numpy", "pytest")
_FRONTEND_REQUIREMENTS = ("build", "pip", "uv")


@dataclass(frozen=True)
class Interpreter:
    """A CPython of this machine."""

    executable: str
    version: tuple[int, int]

    @property
    def name(self) -> str:
        return f"CPython {self.version[0]}.{self.version[1]}"


@functools.cache
def find_interpreters() -> tuple[Interpreter, ...]:
    """Return one CPython from 3.9 on for each minor version, this one first."""
    names = [f"python3.{minor}" for minor in range(9, 20)]
    candidates = [sys.executable, *filter(None, map(shutil.which, names))]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates += map(str, sorted(pyenv.glob("*/bin/python")))
    found: dict[tuple[int, int], Interpreter] = {}
    for candidate in candidates:
        program = (
            "import sys, platform, json; "
            "print(json.dumps([platform.python_implementation(), *sys.version_info[:2]]))"
        )
        process = subprocess.run(
            [candidate, "-I", "-c", program], capture_output=True, text=True, check=False
        )
        if process.returncode == 0:
            implementation, major, minor = json.loads(process.stdout)
            if implementation == "CPython" and (major, minor) >= (3, 9):
                found.setdefault((major, minor), Interpreter(candidate, (major, minor)))
    return tuple(found.values())


def pytest_report_header() -> list[str]:
    """Say which interpreters the tests have found."""
    return ["interpreters: " + ", ".join(i.name for i in sorted(find_interpreters(), key=str))]


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and what processes in it get to see."""

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
        """Run a command; a failure that is not expected shows what it printed."""
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
        """Run pip on this environment: its own if it has one, else that of the tests."""
        if (self.folder / "bin" / "pip").exists():
            pip = [self.python, "-m", "pip"]
        else:
            pip = [sys.executable, "-m", "pip", "--python", self.python]
        return self.run(*pip, *arguments, cwd=cwd, variables=variables, check=check)


def make_environment(
    folder: Path, variables: dict[str, str], python: str = sys.executable
) -> Environment:
    """Create a virtual environment, with pip only where the tests' own cannot serve it."""
    # pip 26 refuses to work on a Python 3.9, and installing another takes two seconds.
    own_pip = [] if python != sys.executable else ["--without-pip"]
    subprocess.run([python, "-m", "venv", *own_pip, str(folder)], check=True)
    path = os.pathsep.join((str(folder / "bin"), variables["PATH"]))
    return Environment(folder, {**variables, "PATH": path, "VIRTUAL_ENV": str(folder)})


def copy_repository(destination: Path) -> Path:
    """Copy what the repository holds, changes that are not committed included."""
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
        shutil.copytree(REPOSITORY, destination, ignore=_LEFT_OUT)
    return destination


@pytest.fixture(scope="session")
def bare_variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment without what a machine or a frontend has put into it."""
    prefixes = ("PIP_", "UV_", "PYTHON", "SETUPTOOLS_", "TVM_", "NINJA", "VIRTUAL_ENV", "PYTEST")
    names = {"CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "SOURCE_DATE_EPOCH"}
    kept = {k: v for k, v in os.environ.items() if k not in names and not k.startswith(prefixes)}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="session")
def plugin_wheel(
    tmp_path_factory: pytest.TempPathFactory,
    bare_variables: dict[str, str],
    downloads: Path,
) -> Path:
    """The plugin as a wheel, built from this repository by its own declared backend."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(REPOSITORY / "setuptools-tvm-ffi", folder / "source", ignore=_LEFT_OUT)
    offline = _offline(bare_variables, downloads)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", "dist", "./source"]
    subprocess.run(command, cwd=folder, env=offline, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def downloads(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Wheels from the index, for every interpreter found; filled once and kept."""
    folder = pytestconfig.cache.mkdir("wheelhouse")
    wanted = {
        interpreter.executable: sorted(
            {*_TEST_REQUIREMENTS}
            if number
            else {*_BUILD_REQUIREMENTS, *_TEST_REQUIREMENTS, *_FRONTEND_REQUIREMENTS}
        )
        for number, interpreter in enumerate(find_interpreters())
    }
    stamp = folder / "filled.json"
    if not stamp.exists() or json.loads(stamp.read_text()) != wanted:
        for number, (python, requirements) in enumerate(wanted.items()):
            path = tmp_path_factory.mktemp("downloading") / str(number)
            environment = make_environment(path, dict(os.environ), python)
            environment.pip(
                *("download", "-q", "--only-binary=:all:", "-d", folder, *requirements), cwd=path
            )
        stamp.write_text(json.dumps(wanted))
    return folder


@pytest.fixture(scope="session")
def variables(
    bare_variables: dict[str, str], downloads: Path, plugin_wheel: Path
) -> dict[str, str]:
    """The environment of every process that installs something: without a network."""
    return _offline(bare_variables, downloads, plugin_wheel.parent)


def _offline(variables: dict[str, str], *folders: Path) -> dict[str, str]:
    return {
        **variables,
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": " ".join(folder.as_uri() for folder in folders),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "UV_OFFLINE": "1",
        "UV_NO_CONFIG": "1",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": ",".join(map(str, folders)),
    }


@pytest.fixture(scope="session")
def builder(
    tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str], plugin_wheel: Path
) -> Environment:
    """An environment that has all a build needs, for builds without isolation."""
    environment = make_environment(tmp_path_factory.mktemp("builder") / "venv", variables)
    environment.pip(
        "install", "-q", *_BUILD_REQUIREMENTS, plugin_wheel, cwd=environment.folder
    )
    return environment


@pytest.fixture(scope="session")
def reference_wheel(
    tmp_path_factory: pytest.TempPathFactory, builder: Environment
) -> Path:
    """The reference package's wheel, as released: full optimisation."""
    folder = tmp_path_factory.mktemp("reference")
    source = copy_repository(folder / "source")
    command = ("wheel", "--no-deps", "--no-build-isolation", "-w", folder / "dist", ".")
    builder.pip(*command, cwd=source)
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel
