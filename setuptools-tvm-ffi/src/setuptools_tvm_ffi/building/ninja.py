# SPDX-License-Identifier: Apache-2.0
"""Finds and runs ninja."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.version import Version

from ..base.child_end import end_child
from ..base.errors import BuildError
from ..base.output_protocol import mark
from ..base.text import without_colours

#: The oldest release of ninja that the plugin accepts. Debian 11 contains this release. Older
#: releases are not tested.
MINIMUM_NINJA = Version("1.10")

#: The requirement (PEP 508) that the backend adds for an isolated build environment if it finds no
#: usable ninja.
BUILD_REQUIREMENT = f"ninja>={MINIMUM_NINJA}"

#: The file name of ninja's log. The log is in the folder that ``build.ninja`` names as `builddir`.
LOG = ".ninja_log"

_STATUS = "[%f/%t] "

# After an interrupt, this process waits for at most this time until ninja and its commands end. A
# command that ignores the interrupt may run longer. While it runs, it holds the build lock.
_SECONDS_TO_END = 5


def find_ninja() -> str | None:
    """Return the path of a usable ninja, or ``None``.

    If the variable `NINJA` is set, this function tries only the ninja that `NINJA` names. Otherwise
    it searches in this order: PATH, the scripts folder of this Python's environment, the installed
    files of the PyPI package ninja. PATH contains the scripts folder only if the environment is
    activated.
    """
    return next((path for path in _candidates() if _is_usable(path)), None)


def find_program(path: str) -> Path:
    """Return the path of an executable of ninja that still works if it is copied to another folder.

    The result is `path`, unless `path` is a Python script. Up to 1.11.1.1, PyPI's ninja installs a
    script that works only in its own environment. For a script, the result is the executable that
    the script starts.

    :param path: the path of a usable ninja.
    """
    program = Path(path).resolve()
    with program.open("rb") as stream:
        if stream.read(2) != b"#!":
            return program
    for folder in _package_folders():
        found = shutil.which("ninja", path=folder)
        if found is not None:
            return Path(found).resolve()
    return program


def require_ninja() -> str:
    """Return the path of a usable ninja.

    :raises BuildError: no usable ninja is found.
    """
    path = find_ninja()
    declared = os.environ.get("NINJA")
    if path is None and declared:
        raise BuildError(
            f"NINJA={declared!r} is not a working ninja {MINIMUM_NINJA} or newer",
            hint="correct NINJA, or unset it to search PATH and the build environment",
        )
    if path is None:
        raise BuildError(
            f"cannot find ninja {MINIMUM_NINJA} or newer in the variable NINJA, on PATH or in the "
            "build environment",
            hint=f"run: python -m pip install '{BUILD_REQUIREMENT}'; for isolated builds, use the "
            "backend setuptools_tvm_ffi.build_meta, which requires ninja if it is missing",
        )
    return path


def run_ninja(
    ninja: str,
    file: Path,
    *,
    root: Path,
    jobs: int | None,
    variables: Mapping[str, str] | None = None,
    inherited: Sequence[int] = (),
) -> tuple[int, str]:
    """Run all commands in `file`, and print ninja's output line by line.

    :param file: the ``build.ninja``, relative to `root`.
    :param root: ninja's working directory.
    :param jobs: number of parallel commands; ``None`` uses ninja's default.
    :param variables: environment variables to add.
    :param inherited: descriptors of open files, such as lock files. Ninja and its commands inherit
        them. If this process is killed, the files stay open until ninja and its commands end.
    :returns: ninja's exit status, and its output without colours.
    """
    command = [ninja, "-f", str(file), *(() if jobs is None else ("-j", str(jobs)))]
    # GCC (12) writes the value of PWD to debug information. In this value, the option
    # -ffile-prefix-map replaces `root`. Therefore, set PWD to `root`: the shell's value can contain
    # a symbolic link, and the option would then replace nothing.
    environment = {**os.environ, **(variables or {}), "NINJA_STATUS": _STATUS, "PWD": str(root)}
    # Read and print ninja's output here, for two reasons. The linker's messages are parsed after
    # the build. If ninja inherited stdout, its lines could precede earlier log lines of setuptools.
    sys.stdout.flush()
    printed = []
    with subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        pass_fds=() if sys.platform == "win32" else inherited,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                printed.append(without_colours(line))
                sys.stdout.write(mark() + _printable(line))
                sys.stdout.flush()
        except BaseException:
            # A terminal sends Ctrl-C to this process and to ninja. Another signal may reach only
            # this process, so send SIGTERM to ninja. ninja then stops its commands and deletes
            # partial outputs.
            end_child(process, request=signal.SIGTERM, request_time=_SECONDS_TO_END)
            raise
    return process.returncode, "".join(printed)


def finished(folder: Path) -> set[str]:
    """Read ninja's log, and return the output paths of all commands that have succeeded.

    Ninja writes a line as soon as a command has succeeded. The line has five fields: the start and
    end of the command, the time of the output, the path of the output, and a hash.

    :param folder: the folder that contains the log.
    """
    try:
        text = (folder / LOG).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return set()
    fields = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {line[3] for line in fields if len(line) == 5}  # noqa: PLR2004 - a complete line


def _printable(line: str) -> str:
    encoding = sys.stdout.encoding or "utf-8"
    return line.encode(encoding, "replace").decode(encoding)


def _candidates() -> Iterator[str]:
    declared = os.environ.get("NINJA")
    if declared:
        yield declared
        return
    for folder in (None, sysconfig.get_path("scripts"), *_package_folders()):
        found = shutil.which("ninja", path=folder)
        if found is not None:
            yield found


def _package_folders() -> tuple[str, ...]:
    """Return the folders where the PyPI package ninja may have installed the executable."""
    spec = importlib.util.find_spec("ninja")
    if spec is None or spec.origin is None:
        return ()
    package = Path(spec.origin).parent
    return str(package / "data/bin"), str(package.parent / "bin")


def _is_usable(path: str) -> bool:
    try:
        result = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError:
        return False
    # PyPI's ninja prints a version such as 1.13.2.git.kitware.jobserver-pipe-1.
    release = re.match(r"\d+(\.\d+)*", result.stdout)
    if result.returncode != 0 or release is None:
        return False
    return Version(release[0]) >= MINIMUM_NINJA
