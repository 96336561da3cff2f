# SPDX-License-Identifier: Apache-2.0
"""A C compiler that writes half an object file, then waits until a test releases it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# This is no shell script: a shell loses a signal that arrives while it starts a program.
_SCRIPT = """\
#!{python} -IS
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
if "-c" in sys.argv and os.path.exists({hold!r}):
    with open(sys.argv[sys.argv.index("-o") + 1], "w") as stream:
        stream.write({half!r})
    with open({started!r}, "a") as stream:
        stream.write(f"{{os.getpid()}}\\n")
    while os.path.exists({hold!r}):
        time.sleep(0.02)
os.execvp("cc", ["cc", *sys.argv[1:]])
"""

HALF_AN_OBJECT = "half an object"

_LONG = 180.0


@dataclass(frozen=True)
class SlowCompiler:
    """The compiler, a script in a separate folder."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "slow-cc"

    def hold(self) -> None:
        """Make every new compilation wait."""
        (self.folder / "hold").touch()

    def release(self) -> None:
        """Let the waiting compilations continue, and delete the list of them."""
        (self.folder / "started").unlink(missing_ok=True)
        (self.folder / "hold").unlink(missing_ok=True)

    def kill(self) -> None:
        """Kill the waiting compilations, so that they cannot clean up."""
        for process in self._started():
            os.kill(process, signal.SIGKILL)

    def wait_until_it_compiles(self, build: subprocess.Popen[str], files: int = 1) -> None:
        """Wait until a build compiles `files` files. If it does not, fail with its output."""
        end = time.monotonic() + _LONG
        while len(self._started()) != files:
            if build.poll() is not None or time.monotonic() > end:
                build.kill()
                raise AssertionError(f"{self._started()}: {build.communicate()}")
            time.sleep(0.02)

    def wait_until_it_has_ended(self) -> None:
        wait_for(lambda: not any(map(_runs, self._started())), "a compiler is still running")

    def _started(self) -> list[int]:
        try:
            return [int(line) for line in (self.folder / "started").read_text().splitlines()]
        except FileNotFoundError:
            return []


def make_slow_compiler(folder: Path) -> SlowCompiler:
    """Write the script of the compiler."""
    folder.mkdir()
    compiler = SlowCompiler(folder)
    text = _SCRIPT.format(
        python=sys.executable,
        hold=str(folder / "hold"),
        started=str(folder / "started"),
        half=HALF_AN_OBJECT,
    )
    compiler.path.write_text(text)
    compiler.path.chmod(0o755)
    return compiler


def wait_for(condition: Callable[[], bool], otherwise: str, seconds: float = _LONG) -> None:
    """Wait until a condition is true. After the time limit, fail with a message."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # A zombie has ended, too: its parent has not waited for it yet.
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
