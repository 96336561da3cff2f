# SPDX-License-Identifier: Apache-2.0
"""Finds ninja and runs it: the one module that starts compilers, through it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from packaging.version import Version

from ..base.errors import BuildError

#: Debian 11's; older ones were not tried.
MINIMUM_NINJA = Version("1.10")

#: What an isolated build environment asks for where no usable ninja is found.
BUILD_REQUIREMENT = f"ninja>={MINIMUM_NINJA}"

_STATUS = "[%f/%t] "

# For commands that were told to; one that does not listen holds the lock, and not this process.
_SECONDS_TO_END = 5


def find_ninja() -> str | None:
    """Return the path of a usable ninja, or ``None``.

    The variable `NINJA` decides where it is set. Otherwise looked for in this order: PATH, the
    scripts folder of the running interpreter (an environment that is used without being activated),
    the ninja distribution.
    """
    return next((path for path in _candidates() if _is_usable(path)), None)


def find_program(path: str) -> Path:
    """Return the program behind a usable ninja: what can be copied and runs anywhere.

    Up to 1.11.1.1, PyPI's was started by a script of the environment that it is installed in.
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

    :raises BuildError: there is none.
    """
    path = find_ninja()
    declared = os.environ.get("NINJA")
    if path is None and declared:
        raise BuildError(
            f"NINJA={declared!r}: not a ninja {MINIMUM_NINJA} or newer that runs",
            hint="correct it, or unset it to have one looked for",
        )
    if path is None:
        raise BuildError(
            f"no ninja {MINIMUM_NINJA} or newer: looked at the variable NINJA, PATH and the "
            "environment that builds",
            hint=f"python -m pip install '{BUILD_REQUIREMENT}', or, for isolated builds, use the "
            "backend setuptools_tvm_ffi.build_meta, which asks for it where it is missing",
        )
    return path


def run_ninja(
    ninja: str,
    file: Path,
    *,
    root: Path,
    jobs: int | None,
    on_work: Callable[[], None] | None = None,
    inherited: Sequence[int] = (),
) -> tuple[int, str]:
    """Build everything in `file`, passing on what ninja prints as it comes.

    :param file: the ``build.ninja``, relative to `root`, where ninja is started.
    :param jobs: how many commands at once; ``None`` leaves it to ninja.
    :param on_work: called once, when the first command is announced.
    :param inherited: open files that ninja and what it starts keep open, as that of a lock: they
        may outlive this process if it is killed.
    :returns: ninja's exit status and all that it printed.
    """
    command = [ninja, "-f", str(file), *(() if jobs is None else ("-j", str(jobs)))]
    # GCC (12) takes the folder that it works in from PWD, which is that of a link if the project
    # was reached through one: nothing would map it in debug information.
    environment = {**os.environ, "NINJA_STATUS": _STATUS, "PWD": str(root)}
    # Line by line through here and not inherited: a linker's message is looked at afterwards,
    # and setuptools' own log lines stay in order with the compiler's.
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
                printed.append(line)
                if on_work is not None and line.startswith("["):
                    on_work()
                    on_work = None
                sys.stdout.write(_printable(line))
                sys.stdout.flush()
        except BaseException:
            # Ctrl-C reaches ninja from the terminal, an interrupt of this process alone does not.
            # It ends its commands and removes what they have half written.
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_TO_END)
            raise
    return process.returncode, "".join(printed)


def compile_commands(ninja: str, file: Path, *, root: Path) -> bytes:
    """Return the JSON compilation database of all compile commands, for editors and clangd."""
    result = subprocess.run(
        [ninja, "-f", str(file), "-t", "compdb", "compile"],
        cwd=root,
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return result.stdout


def _printable(line: str) -> str:
    encoding = sys.stdout.encoding or "utf-8"
    return line.encode(encoding, "replace").decode(encoding)


def _candidates() -> Iterator[str]:
    declared = os.environ.get("NINJA")
    if declared:
        yield declared
        return  # what was asked for, or nothing
    for folder in (None, sysconfig.get_path("scripts"), *_package_folders()):
        found = shutil.which("ninja", path=folder)
        if found is not None:
            yield found


def _package_folders() -> tuple[str, ...]:
    """Return where the distribution keeps its program if pip installs into a plain folder."""
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
    # PyPI's calls itself 1.13.2.git.kitware.jobserver-pipe-1.
    release = re.match(r"\d+(\.\d+)*", result.stdout)
    if result.returncode != 0 or release is None:
        return False
    return Version(release[0]) >= MINIMUM_NINJA
