# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest
from setuptools_tvm_ffi.compat.processes import Children, Ended, StoppedError, signal_name
from slow_compiler import wait_for

LEAVES_ANOTHER = """\
import os, pathlib, sys, time
if os.fork() == 0:
    pathlib.Path("left").write_text(str(os.getpid()))
    time.sleep(600)
while not pathlib.Path("left").exists():
    time.sleep(0.01)
"""


def run(
    program: str, folder: Path, *, seconds: float = 60, children: Children | None = None
) -> Ended:
    return (children or Children()).run(
        [sys.executable, "-I", "-c", program], folder=folder, variables=os.environ, seconds=seconds
    )


def runs(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return status != "Z"


def test_output_and_errors_stay_in_order(tmp_path: Path) -> None:
    program = "import os; os.write(1, b'one\\n'); os.write(2, b'two\\n'); raise SystemExit(3)"
    assert run(program, tmp_path) == Ended(3, "one\ntwo\n")


def test_the_end_of_a_long_output_is_kept(tmp_path: Path) -> None:
    ended = run("print('x' * 1_000_000); print('the reason')", tmp_path)
    assert ended.output.endswith("x\nthe reason\n")
    assert len(ended.output) < 100_000


def test_the_standard_input_of_a_child_is_empty(tmp_path: Path) -> None:
    assert run("import sys; print(repr(sys.stdin.read()))", tmp_path).output == "''\n"


def test_a_signal_is_a_negative_status(tmp_path: Path) -> None:
    ended = run("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", tmp_path)
    assert signal_name(ended.status) == "SIGABRT"
    assert not ended.timed_out


def test_a_signal_reported_by_a_shell_is_recognized(tmp_path: Path) -> None:
    ended = Children().run(
        ["sh", "-c", "sh -c 'kill -SEGV $$'; exit $?"],
        folder=tmp_path,
        variables=os.environ,
        seconds=60,
    )
    assert ended.status > 0
    assert signal_name(ended.status) == "SIGSEGV"


def test_after_the_time_limit_a_child_and_its_children_are_killed(tmp_path: Path) -> None:
    ended = run(
        f"{LEAVES_ANOTHER}\nprint('so far', flush=True); time.sleep(600)", tmp_path, seconds=2
    )
    assert ended.timed_out
    assert ended.output == "so far\n"
    wait_for(lambda: not runs(int((tmp_path / "left").read_text())), "the other goes on")


def test_processes_that_a_child_leaves_behind_are_killed(tmp_path: Path) -> None:
    ended = run(LEAVES_ANOTHER, tmp_path)
    assert (ended.status, ended.timed_out) == (0, False)
    wait_for(lambda: not runs(int((tmp_path / "left").read_text())), "the other goes on")


def test_stop_kills_all_children_and_prevents_new_ones(tmp_path: Path) -> None:
    children = Children()
    raised: list[type[Exception]] = []

    def sleep() -> None:
        try:
            run(f"{LEAVES_ANOTHER}\ntime.sleep(600)", tmp_path, children=children)
        except StoppedError as stopped:
            raised.append(type(stopped))

    thread = threading.Thread(target=sleep)
    thread.start()
    wait_for((tmp_path / "left").exists, "nothing is started")
    children.stop()
    thread.join(60)
    assert raised == [StoppedError]
    with pytest.raises(StoppedError):
        run("pass", tmp_path, children=children)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        *((0, None), (1, None), (128, None), (255, None)),
        *((-11, "SIGSEGV"), (-6, "SIGABRT"), (-99, "signal 99")),
        *((139, "SIGSEGV"), (134, "SIGABRT")),  # as a shell passes it on
    ],
)
def test_signals_have_names(status: int, name: str | None) -> None:
    assert signal_name(status) == name


# These are exit statuses from Windows.
@pytest.mark.parametrize("status", [0xC0000005, 0xC0000409])
def test_a_windows_exception_is_named_by_its_number(status: int) -> None:
    assert signal_name(status) == f"0x{status:X}"
