# SPDX-License-Identifier: Apache-2.0
"""Temporary environments, and the commands that create them: uv, or venv and pip."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..ffi.releases import DISTRIBUTION

# A process in a temporary environment does not get these variables. They configure the calling
# Python, or add modules from outside the temporary environment.
_LEFT_OUT = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__"}

# pip and uv do not get these variables. The variables would override the command line: pip or uv
# would install other packages, or install the packages into another folder.
_NOT_FOR_INSTALLERS = {
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_DRY_RUN"),
    *("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT", "PIP_REQUIREMENT", "PIP_REQUIRE_VIRTUALENV"),
    *("PIP_NO_DEPS", "PIP_NO_DEPENDENCIES", "PIP_NO_BINARY", "PIP_EDITABLE"),
    *("UV_CONSTRAINT", "UV_BUILD_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE", "UV_NO_BINARY"),
    *("UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_BREAK_SYSTEM_PACKAGES", "UV_PROJECT_ENVIRONMENT"),
}


@dataclass(frozen=True)
class Environment:
    """A virtual environment (PEP 405), which may not exist yet."""

    folder: Path

    @property
    def scripts(self) -> Path:
        """The folder of the environment's programs."""
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> str:
        """The path of the environment's interpreter."""
        return str(self.scripts / ("python.exe" if sys.platform == "win32" else "python"))

    def variables(self, around: Mapping[str, str]) -> dict[str, str]:
        """Return the environment variables of a process that runs in this environment.

        :param around: the variables of the calling process.
        """
        kept = {name: value for name, value in around.items() if name not in _LEFT_OUT}
        path = os.pathsep.join(filter(None, (str(self.scripts), kept.get("PATH", os.defpath))))
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(self.folder)}


def for_installers(around: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables of a process that installs packages or queries an index.

    :param around: the variables of the calling process.
    """
    left_out = _LEFT_OUT | _NOT_FOR_INSTALLERS
    return {name: value for name, value in around.items() if name not in left_out}


@dataclass(frozen=True)
class Index:
    """Package sources that extend or replace the sources in the user's configuration.

    :param find_links: folders with packages, and URLs of pages with links to packages.
    :param no_index: whether pip and uv ignore all indexes.
    :param index_url: an index that replaces the configured index.
    """

    find_links: Sequence[str] = ()
    no_index: bool = False
    index_url: str | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The command-line options, which are the same for pip and uv."""
        words = ["--no-index"] if self.no_index else []
        for link in self.find_links:
            # pip and uv run in another folder, so they need absolute paths.
            words += ["--find-links", link if "://" in link else str(Path(link).resolve())]
        if self.index_url is not None:
            words += ["--index-url", self.index_url]
        return tuple(words)


@dataclass(frozen=True)
class Installer:
    """The program that creates environments and installs packages into them.

    :param uv: the path of uv, or ``None`` to use venv and pip.
    :param pip: the command that starts pip.
    :param allow_sdists: whether to build requirements that have no wheel. A build runs the
        requirement's build scripts. apache-tvm-ffi is never built, so a release without a wheel
        for this Python cannot be tested.
    """

    uv: str | None
    pip: Sequence[str]
    index: Index
    allow_sdists: bool = False

    @property
    def name(self) -> str:
        """The name of the program, for messages."""
        return "uv" if self.uv is not None else "pip"

    def creation(self, environment: Environment) -> tuple[str, ...]:
        """Return the command that creates an empty environment for this Python."""
        if self.uv is not None:
            options = ("--quiet", "--no-project", "--python", sys.executable)
            return (self.uv, "venv", *options, str(environment.folder))
        # The environment needs no pip of its own, because pip 22.3 and newer can install into
        # another environment.
        return (sys.executable, "-m", "venv", "--without-pip", str(environment.folder))

    def installation(
        self, environment: Environment, requirements: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the command that installs requirements and their dependencies."""
        wheels_only = ("--only-binary", DISTRIBUTION if self.allow_sdists else ":all:")
        return (*self._install(environment), *wheels_only, *self.index.options, *requirements)

    def installation_alone(self, environment: Environment, wheel: Path) -> tuple[str, ...]:
        """Return the command that installs a wheel without its dependencies."""
        return (*self._install(environment), "--no-deps", "--no-index", str(wheel))

    def _install(self, environment: Environment) -> tuple[str, ...]:
        if self.uv is not None:
            return (self.uv, "pip", "install", "--quiet", "--python", environment.python)
        quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
        return (*self.pip, "--python", environment.python, "install", *quiet)
