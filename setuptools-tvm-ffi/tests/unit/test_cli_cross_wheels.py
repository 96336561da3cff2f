# SPDX-License-Identifier: Apache-2.0
"""A command that is told to end ends the build that it has started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from setuptools_tvm_ffi.cli import cross_wheels as wheels

CHILD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.{handler})
print("ready", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    sys.exit(3)
"""


@pytest.mark.skipif(os.name == "nt", reason="a process of Windows can only be ended outright")
@pytest.mark.parametrize(("handler", "status"), [("default_int_handler", 3), ("SIG_IGN", -9)])
def test_a_child_is_told_to_end_and_killed_if_it_does_not(
    handler: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "_SECONDS_TO_END_BY_ITSELF", 0.1)
    monkeypatch.setattr(wheels, "_SECONDS_TO_END", 0.5 if handler == "SIG_IGN" else 30)
    command = [sys.executable, "-c", CHILD.format(handler=handler)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        wheels._end(child)  # noqa: SLF001 - nothing else calls it but a signal
        assert child.returncode == status
