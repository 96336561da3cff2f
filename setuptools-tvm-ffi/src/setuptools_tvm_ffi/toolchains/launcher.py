# SPDX-License-Identifier: Apache-2.0
"""What is put before a compiler: a cache of objects, or a program that compiles elsewhere."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import PureWindowsPath

from ..base.errors import ConfigurationError

# Both know nvcc and hipcc, and start whatever they do not know as it is.
_CACHES = frozenset({"ccache", "sccache"})


@dataclass(frozen=True)
class Launcher:
    """A program that is started with a compiler's whole command as its arguments.

    :param command: as declared, split into words; not resolved, so that a command is the same in
        every build.
    :param name: the program's base name, without ``.exe``.
    """

    command: tuple[str, ...]
    name: str

    @property
    def distributes(self) -> bool:
        """Whether it compiles on other machines, as many units at once as they take."""
        return self.name == "distcc"

    @property
    def leaves_a_server(self) -> bool:
        """Whether it starts a server that outlives the build and inherits its open files."""
        return self.name == "sccache"

    def takes(self, language: str) -> bool:
        """Return whether it is put before the compiler of a language.

        Before those of C and C++ always: they are what a launcher is for. distcc knows no device
        compiler, it would run one here and make it wait for a slot of its own; another program's
        wrong guess at what nvcc reads and writes would be found in the object, if at all.

        :param language: ``c``, ``cxx``, ``cuda`` or ``hip``.
        """
        return language in {"c", "cxx"} or self.name in _CACHES


def find_launcher(declared: str, *, where: str) -> Launcher:
    """Return the launcher of a setting.

    :param declared: a program's name, looked for on PATH, or its path, relative to the current
        folder (the project's root, where its commands are started); arguments may follow.
    :param where: names the setting in messages.
    :raises ConfigurationError: it is empty, cannot be split, or there is no such program.
    """
    try:
        command = _split(declared)
    except ValueError as problem:
        raise ConfigurationError(
            f"{where}: {declared!r} cannot be split into a command: {problem}",
            hint="it is read as a shell reads words: close the quotation",
        ) from None
    program = command[0] if command else ""
    if not program:
        raise ConfigurationError(
            f"{where}: {declared!r} names no program",
            hint="write a program such as 'ccache', or leave the setting out",
        )
    if shutil.which(program) is None:
        is_path = bool(os.path.dirname(program))
        place = (
            f"a path is relative to {os.getcwd()}" if is_path else "a name is looked for on PATH"
        )
        raise ConfigurationError(
            f"{where}: there is no program {program!r}",
            hint=f"{place}; install it, or leave the setting out",
        )
    return Launcher(command, base_name(program))


def _split(declared: str) -> tuple[str, ...]:
    words = shlex.shlex(declared, posix=True, punctuation_chars=False)
    words.whitespace_split = True
    words.commenters = ""
    if sys.platform == "win32":
        words.escape = ""  # a backslash is part of a path there
    return tuple(words)


def base_name(program: str) -> str:
    r"""Return a program's name as a `Launcher` has it.

    >>> base_name(r"C:\tools\sccache.exe"), base_name("/usr/bin/ccache")
    ('sccache', 'ccache')
    """
    name = PureWindowsPath(program).name  # takes both kinds of slashes
    return name[: -len(".exe")] if name.lower().endswith(".exe") else name
