# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from setuptools_tvm_ffi.base.child_end import end_child

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows kills processes only")

CLEANS_UP = """\
import signal, sys, time
signal.signal(signal.SIGINT, signal.{handler})
print("ready", flush=True)
try:
    time.sleep({seconds})
except KeyboardInterrupt:
    time.sleep(0.2)
    sys.exit(3)
"""

LEAVES_ANOTHER = """\
import os, time
if os.fork() == 0:
    time.sleep(600)
print("ready", flush=True)
{then}
"""


def start(program: str, **options: bool) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-I", "-c", program], stdout=subprocess.PIPE, text=True, **options
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def test_a_child_is_killed_and_waited_for() -> None:
    with start(CLEANS_UP.format(handler="SIG_IGN", seconds=600)) as child:
        end_child(child)
        assert child.returncode not in {None, 0, 3}
        end_child(child)  # it is no error if the child has already ended


@posix_only
@pytest.mark.parametrize(
    ("handler", "seconds", "status"), [("default_int_handler", 30, 3), ("SIG_IGN", 0.5, -9)]
)
def test_a_child_that_ignores_the_request_is_killed(
    handler: str, seconds: float, status: int
) -> None:
    with start(CLEANS_UP.format(handler=handler, seconds=600)) as child:
        end_child(child, own_time=0.1, request=signal.SIGINT, request_time=seconds)
        assert child.returncode == status


@posix_only
def test_a_child_that_ends_on_its_own_is_not_interrupted() -> None:
    with start(CLEANS_UP.format(handler="default_int_handler", seconds=0.2)) as child:
        end_child(child, own_time=30, request=signal.SIGINT, request_time=30)
        assert child.returncode == 0


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize("then", ["time.sleep(600)", "raise SystemExit(0)"])
def test_a_group_is_killed_with_the_child_or_after_it(then: str) -> None:
    with start(LEAVES_ANOTHER.format(then=then), start_new_session=True) as child:
        if "SystemExit" in then:
            child.wait()
        end_child(child, group=True)
        # The pipe is closed after every process of the group has ended.
        assert child.stdout is not None
        started = time.monotonic()
        assert child.stdout.read() == ""
        assert time.monotonic() - started < 60
