# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import fcntl
import io
import os
import re
import struct
import sys
import termios
from collections.abc import Callable

import pytest
from pseudo_terminals import open_terminal
from setuptools_tvm_ffi.base.errors import PREFIX
from setuptools_tvm_ffi.base.output_protocol import MARK
from setuptools_tvm_ffi.cli.progress import Progress, shortened

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses a pseudo-terminal")

BUILD = (
    "running build_ext\n",
    f"{MARK}[0/2] compile a.cc\n",
    f"{MARK}[1/2] compile a.cc\n",
    f"{MARK}a.cc:1: \x1b[35mwarning: \x1b[munused\n",
    f"{PREFIX}: 2 jobs: 2 processors\n",
    f"{PREFIX}: warning: \x07no docs\n",
    "  of \x07f\n",
    "running install\n",
    "  not a detail\n",
    f"{MARK}FAILED: [code=1] b.o \n",
    f"{MARK}c++ -O2 -c b.cc\n",
    f"{MARK}b.cc:2: error: expected ';'\n",
    f"{MARK}ninja: build stopped: subcommand failed.\n",
)


@pytest.fixture(autouse=True)
def _no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def printed(*lines: str, verbose: bool = False) -> list[str]:
    stream = io.StringIO()
    with Progress(stream, verbose=verbose) as progress:
        for line in lines:
            progress.output(line)
    return stream.getvalue().splitlines()


def test_without_a_terminal_steps_and_messages_are_lines() -> None:
    assert printed(*BUILD) == [
        "[1/2] compile a.cc",
        "a.cc:1: \x1b[35mwarning: \x1b[munused",
        f"{PREFIX}: warning: \\x07no docs",
        "  of \\x07f",
        "b.cc:2: error: expected ';'",
    ]


def test_with_verbose_every_line_is_printed() -> None:
    lines = printed(*BUILD, verbose=True)
    assert {"running build_ext", f"{PREFIX}: 2 jobs: 2 processors", "c++ -O2 -c b.cc"} <= {*lines}
    assert "FAILED: [code=1] b.o " in lines
    assert MARK not in "".join(lines)


def test_the_hidden_lines_explain_a_failure_without_an_error_message() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress.output("Traceback\n")
    progress.show_hidden()
    assert stream.getvalue() == "Traceback\n"
    progress.output(f"{PREFIX}: error: no compiler\n")
    progress.show_hidden()
    assert stream.getvalue() == f"Traceback\n{PREFIX}: error: no compiler\n"


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("/s/setuptools/dist.py:3: FooDeprecationWarning: `x` is old", None),
        ("C:\\s\\dist.py:3: UserWarning: old", None),
        ("UserWarning: old", None),
        ("  WARNING: The script x is not on PATH", "WARNING: The script x is not on PATH"),
        ("\x1b[33mWARNING: slow\x1b[0m", "WARNING: slow"),
        ("ERROR: pip's dependency resolver", None),
        ("a 1.0 requires b<2, but you have b 2.0 which is incompatible.", None),
        ("a 1.0 requires c, which is not installed.", None),
        ("running bdist_wheel", ""),
        ("  warnings.warn('UserWarning: x')", ""),
        (f"{PREFIX}: warning: no docs", ""),
    ],
)
@pytest.mark.parametrize("verbose", [True, False])
def test_warnings_of_other_programs_are_collected_once(
    line: str, warning: str | None, *, verbose: bool
) -> None:
    progress = Progress(io.StringIO(), verbose=verbose)
    progress.output(f"{line}\n")
    progress.output(f"{line}\n")
    expected = re.sub(r"^.*:3: ", "", line) if warning is None else warning
    assert progress.warnings == ([expected] if expected else [])


def test_messages_have_colours_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert printed(f"{PREFIX}: error: no\n") == [f"{PREFIX}: \x1b[31merror\x1b[0m: no"]


def on_terminal(columns: int, show: Callable[[Progress], None]) -> str:
    """Return what a build writes to a terminal."""
    reader, writer = open_terminal()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(writer, "w", encoding="utf-8") as stream, Progress(stream) as progress:
        show(progress)
    written = b""
    with contextlib.suppress(OSError):  # at the end, because the terminal is closed
        while block := os.read(reader, 4096):
            written += block
    os.close(reader)
    return written.decode()


def screen(written: str) -> list[str]:
    """Return the lines that a terminal shows, from its top."""
    lines, column = [""], 0
    for character in written:
        if character == "\r":
            column = 0
        elif character == "\n":
            lines.append("")
        else:
            line = lines[-1].ljust(column)
            lines[-1] = line[:column] + character + line[column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]


def test_a_terminal_shows_the_step_and_the_time_below_the_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    seen: list[str] = []

    def show(progress: Progress) -> None:
        for line in BUILD:
            progress.output(line)
        progress.status("[2/2] link libops.so")

    written = on_terminal(60, show)
    for part in written.split("\r"):
        seen += [part.rstrip()]
    assert any(part.startswith("[0/2] compile a.cc  0.") for part in seen)
    assert any(part.startswith("[2/2] link libops.so  0.") for part in seen)
    assert screen(written) == [
        "a.cc:1: \x1b[35mwarning: \x1b[munused",
        f"{PREFIX}: warning: \\x07no docs",
        "  of \\x07f",
        "b.cc:2: error: expected ';'",
        "",
    ]


@pytest.mark.parametrize("columns", [1, 10, 30, 200])
def test_a_status_fits_on_one_line(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    status = "[3/12] compile csrc/kernels/attention.cc"
    written = on_terminal(columns, lambda progress: progress.status(status))
    assert max(map(len, written.split("\r"))) < max(columns, 1) + 1
    assert (".cc  0." in written) == (columns >= 30)


def test_a_terminal_without_cursor_movement_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    written = on_terminal(80, lambda progress: progress.status("building the wheel"))
    assert written == "building the wheel\r\n"


def test_a_long_text_keeps_its_start_and_its_end() -> None:
    assert shortened("[3/12] compile a.cc", 80) == "[3/12] compile a.cc"
    assert len(shortened("x" * 50, 21)) == 21
    assert shortened("[3/12] compile csrc/a.cc", 3) == "..."
