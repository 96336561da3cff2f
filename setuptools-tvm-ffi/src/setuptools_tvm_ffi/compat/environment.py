# SPDX-License-Identifier: Apache-2.0
"""Makes environments that are thrown away: with uv where it is present, else with venv and pip."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..abi_floor import DISTRIBUTION
from .index import Index

# Those of the calling Python, and what would bring modules in from outside.
_LEFT_OUT = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__"}

# A release is compiled for nobody: one without a wheel for this Python is none for it.
_ONLY_BINARY = ("--only-binary", DISTRIBUTION)


@dataclass(frozen=True)
class Environment:
    """A virtual environment (PEP 405), which need not exist yet."""

    folder: Path

    @property
    def scripts(self) -> Path:
        """The folder of its programs."""
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.scripts / ("python.exe" if sys.platform == "win32" else "python"))

    def variables(self, around: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of a process in it.

        :param around: those of this process.
        """
        kept = {name: value for name, value in around.items() if name not in _LEFT_OUT}
        path = os.pathsep.join(filter(None, (str(self.scripts), kept.get("PATH", os.defpath))))
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(self.folder)}


@dataclass(frozen=True)
class Installer:
    """Which program makes environments and installs into them.

    :param uv: the program, or ``None`` for venv and `pip`.
    :param pip: how to start pip.
    """

    uv: str | None
    pip: Sequence[str]
    index: Index

    @property
    def name(self) -> str:
        """For people."""
        return "uv" if self.uv is not None else "pip"

    def creation(self, environment: Environment) -> tuple[str, ...]:
        """Return the command that makes an environment of this Python, with nothing in it."""
        if self.uv is not None:
            options = ("--quiet", "--no-project", "--python", sys.executable)
            return (self.uv, "venv", *options, str(environment.folder))
        # This Python's pip serves another environment, from 22.3 on.
        return (sys.executable, "-m", "venv", "--without-pip", str(environment.folder))

    def installation(
        self, environment: Environment, requirements: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the command that installs requirements, with all that they require."""
        return (*self._install(environment), *_ONLY_BINARY, *self.index.options, *requirements)

    def installation_alone(self, environment: Environment, wheel: Path) -> tuple[str, ...]:
        """Return the command that installs a wheel, whatever it requires."""
        return (*self._install(environment), "--no-deps", "--no-index", str(wheel))

    def _install(self, environment: Environment) -> tuple[str, ...]:
        if self.uv is not None:
            return (self.uv, "pip", "install", "--quiet", "--python", environment.python)
        quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
        return (*self.pip, "--python", environment.python, "install", *quiet)
