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
from ..base.interruption import interruptible

#: The release of ninja in Debian 11. Older releases are not tested.
MINIMUM_NINJA = Version("1.10")

#: If no usable ninja is found, isolated build environments get this requirement.
BUILD_REQUIREMENT = f"ninja>={MINIMUM_NINJA}"

#: The name of ninja's log, in the folder that the manifest names as `builddir`.
LOG = ".ninja_log"

_STATUS = "[%f/%t] "

# After an interrupt, this process waits so many seconds until ninja and its commands have ended. A
# command that ignores the interrupt keeps the build lock. Ninja and this process do not wait for
# that command.
_SECONDS_TO_END = 5


def find_ninja() -> str | None:
    """Return the path of a usable ninja, or ``None``.

    If the variable `NINJA` is set, this function tries only the ninja that `NINJA` names. Otherwise
    it searches in this order: PATH, the scripts folder of the running interpreter (an environment
    may not be activated), the ninja distribution.
    """
    return next((path for path in _candidates() if _is_usable(path)), None)


def find_program(path: str) -> Path:
    """Return a ninja executable that also works as a copy in another environment.

    Up to 1.11.1.1, the program of PyPI's ninja is a script that works only in its own environment.
    In that case, return the executable that the script starts.

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
            hint=f"python -m pip install '{BUILD_REQUIREMENT}', or, for isolated builds, use the "
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
    :param inherited: file descriptors that ninja and its commands inherit, such as that of a lock
        file. If this process is killed, ninja and its commands keep the files open.
    :returns: ninja's exit status and its output.
    """
    command = [ninja, "-f", str(file), *(() if jobs is None else ("-j", str(jobs)))]
    # GCC (12) writes PWD to debug information. If PWD contained a symbolic link, no prefix map
    # would match it.
    environment = {**os.environ, **(variables or {}), "NINJA_STATUS": _STATUS, "PWD": str(root)}
    # Ninja does not inherit stdout. The build needs the output later to parse the linker's
    # messages, and to keep the log lines of setuptools in order with the lines of the compilers.
    sys.stdout.flush()
    printed = []
    with (
        interruptible(),
        subprocess.Popen(
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
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                printed.append(line)
                sys.stdout.write(_printable(line))
                sys.stdout.flush()
        except BaseException:
            # An interrupt may reach only this process, although a terminal sends Ctrl-C to ninja as
            # well. After SIGTERM, ninja stops its commands and deletes partial outputs.
            end_child(process, request=signal.SIGTERM, request_time=_SECONDS_TO_END)
            raise
    return process.returncode, "".join(printed)


def finished(folder: Path) -> set[str]:
    """Return the outputs of the commands that have succeeded. Read them from ninja's log.

    Each line of the log contains the times of the command, the time of the output, the output and a
    hash. Ninja writes a line as soon as a command has succeeded.
    """
    try:
        text = (folder / LOG).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return set()
    fields = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {line[3] for line in fields if len(line) == 5}  # noqa: PLR2004 - not truncated


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
    """Return the folders of the ninja distribution that may contain its program."""
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
