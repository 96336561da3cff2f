# SPDX-License-Identifier: Apache-2.0
"""Compiler launchers: object caches such as ccache, and distributed compilers such as distcc."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import PureWindowsPath

from ..base.errors import ConfigurationError

# Both also support nvcc and hipcc, and run a command that they do not support without caching it.
_CACHES = frozenset({"ccache", "sccache"})


@dataclass(frozen=True)
class Launcher:
    """A program, such as ccache, that starts the compiler.

    On the command line, the compiler's command follows the launcher's.

    :param command: the launcher and its own options, as the project declares them. The path of the
        launcher is not resolved, so that every build has the same command lines.
    :param name: the base name of the program, without ``.exe``.
    """

    command: tuple[str, ...]
    name: str

    @property
    def distributes(self) -> bool:
        """Whether the launcher runs compilers on other machines."""
        return self.name == "distcc"

    @property
    def leaves_a_server(self) -> bool:
        """Whether the launcher starts a server that inherits open files and outlives the build."""
        return self.name == "sccache"

    def takes(self, language: str) -> bool:
        """Return whether to start the compiler of a language with the launcher.

        The result is true for C and C++. For device compilers, it is true only for ccache and
        sccache. distcc would wait for a slot, and then run a device compiler on this machine. A
        cache that does not support nvcc may overlook files that nvcc reads, and could return a
        stale object.

        :param language: ``c``, ``cxx``, ``cuda`` or ``hip``.
        """
        return language in {"c", "cxx"} or self.name in _CACHES


def find_launcher(declared: str, *, where: str) -> Launcher:
    """Return the launcher that a setting declares.

    :param declared: the value of the setting: a program and optional arguments. A name without a
        folder must be on PATH. A relative path starts at the project's root, which is the current
        folder.
    :param where: the name of the setting, for messages.
    :raises ConfigurationError: the setting is empty or cannot be split, or the program is missing.
    """
    try:
        windows = sys.platform == "win32"
        command = split_windows(declared) if windows else tuple(shlex.split(declared))
    except ValueError as problem:
        raise ConfigurationError(
            f"{where}: {declared!r} cannot be split into words: {problem}",
            hint="the value is split like a shell command: add the missing quote",
        ) from None
    program = command[0] if command else ""
    if shutil.which(program) is None:
        is_path = bool(os.path.dirname(program))
        rule = f"a path is relative to {os.getcwd()}" if is_path else "a name is looked up on PATH"
        raise ConfigurationError(
            f"{where}: program {program!r} not found",
            hint=f"{rule}; install the program, or remove the setting",
        )
    return Launcher(command, base_name(program))


def split_windows(command: str) -> tuple[str, ...]:
    r"""Split a Windows command into words. A backslash has no special meaning.

    >>> split_windows(r'"C:\LLVM\bin\clang-cl.exe" -m64')
    ('C:\\LLVM\\bin\\clang-cl.exe', '-m64')
    """
    return tuple(word.strip('"') for word in shlex.split(command, posix=False))


def base_name(program: str) -> str:
    r"""Return the base name of a program, without ``.exe``.

    >>> base_name(r"C:\tools\sccache.exe"), base_name("/usr/bin/ccache")
    ('sccache', 'ccache')
    """
    name = PureWindowsPath(program).name  # PureWindowsPath splits at slashes and at backslashes.
    return name[: -len(".exe")] if name.lower().endswith(".exe") else name
