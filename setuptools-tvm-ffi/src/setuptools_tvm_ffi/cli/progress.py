# SPDX-License-Identifier: Apache-2.0
"""Shows the progress of a build: messages, and below them a status line with the elapsed time.

If the stream is not a terminal, each status is a line of its own, without the time.
"""

from __future__ import annotations

import os
import re
import threading
import time
from typing import TextIO

from ..base.colour import painted
from ..base.errors import PREFIX
from ..base.output_protocol import MARK
from ..base.text import duration, harmless, without_colours

_SECONDS_BETWEEN_REDRAWS = 0.2
_USUAL_COLUMNS = 80
_STEP = re.compile(r"\[(\d+)/\d+\] ")
_MESSAGE = re.compile(rf"{PREFIX}: (warning|error|hint|waiting)\b")
_DETAIL = re.compile(r"  \S")
# This pattern matches warnings of setuptools and of other Python code, such as
# `file.py:3: UserWarning: …`, and warnings and errors of pip. The last alternative matches a line
# in which pip reports a conflict between requirements.
_WARNING = re.compile(
    r"(?:\S.*:\d+: )?(\w*Warning: .+)|\s*((?:WARNING|ERROR): .+)"
    r"|(\S+ \S+ requires .+, (?:but you have .+ which is incompatible|which is not installed)\.)"
)
_COLOURS = {"warning": "yellow", "error": "red", "hint": "cyan", "waiting": "bold"}


def shortened(text: str, width: int) -> str:
    """If a text is longer than `width`, replace the middle with ``...``.

    The text of a build step thus keeps the step's number and the file name.

    >>> shortened("[3/12] compile csrc/kernels/attention.cc", 30)
    '[3/12] compil.../attention.cc'
    """
    if len(text) <= width:
        return text
    kept = max(0, width - len("...")) // 2
    return f"{text[:kept]}...{text[len(text) - kept :]}"[:width]


class Progress:
    """A context manager that shows the output of a build's child processes.

    Without `verbose`, the output of setuptools and other programs is hidden. If a child process
    fails without an error message of the plugin, `show_hidden` shows this output.

    :param stream: the stream to write to.
    :ivar warnings: the warnings of setuptools, pip and other Python code, without duplicates.
    """

    def __init__(self, stream: TextIO, *, verbose: bool = False) -> None:
        self._stream = stream
        self._verbose = verbose
        self._live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._started = time.monotonic()
        self._status = ""
        self._drawn = 0  # The length of the status line that is on the screen.
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._clock = threading.Thread(target=self._redraw_until_ended, daemon=True)
        self._hidden: list[str] = []
        self.warnings: list[str] = []
        self._has_error = self._in_message = self._skips_command = self._in_steps = False

    def __enter__(self) -> Progress:  # noqa: PYI034 - typing.Self is new in 3.11
        if self._live:
            self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with self._lock:
            self._status = ""
            self._draw()

    @property
    def elapsed(self) -> float:
        """The seconds since this object was created."""
        return time.monotonic() - self._started

    def status(self, text: str) -> None:
        """Show the current activity of the build in the status line."""
        if not self._live:
            self.line(text)
            return
        with self._lock:
            self._status = text
            self._draw()

    def line(self, text: str) -> None:
        """Show a line permanently, above the status line."""
        with self._lock:
            self._stream.write("\r" + " " * self._drawn + "\r" if self._drawn else "")
            self._drawn = 0
            self._stream.write(f"{text}\n")
            self._draw()

    def output(self, line: str) -> None:
        """Process a line that a child process has printed: show it, use it as status, or hide it.

        :param line: the line. It starts with `MARK` if ninja or a compiler has printed it.
        """
        _, marked, after = line.rstrip("\r\n").partition(MARK)
        text = after if marked else line.rstrip("\r\n")
        message = _MESSAGE.match(text)
        # The indented lines after a message contain the details of the message.
        self._in_message = message is not None or (
            self._in_message and _DETAIL.match(text) is not None
        )
        if message is not None:
            self._has_error |= message[1] == "error"
            kind = painted(message[1], _COLOURS[message[1]], self._stream)
            self.line(f"{PREFIX}: {kind}{harmless(text[message.end() :])}")
        elif marked:
            self._show_step(text)
        elif self._in_message:
            self.line(harmless(text))
        else:
            self._collect_warning(without_colours(text))
            self._show_other(text)

    def _collect_warning(self, text: str) -> None:
        warning = _WARNING.fullmatch(text)
        if warning is not None and warning[warning.lastindex or 0] not in self.warnings:
            self.warnings.append(warning[warning.lastindex or 0])

    def _show_other(self, text: str) -> None:
        """Show a line of setuptools or another program, or hide it."""
        if self._verbose:
            self.line(text)
        else:
            self._hidden.append(text)
            if self._live and not self._in_steps:
                self.status(text)

    def show_hidden(self) -> None:
        """Show the hidden lines, unless an error message of the plugin explains the failure."""
        if not self._has_error:
            for text in self._hidden:
                self.line(text)

    def _show_step(self, text: str) -> None:
        """Show a line of ninja or of a compiler. Without `verbose`, hide failed commands."""
        plain = without_colours(text)
        step = _STEP.match(plain)
        skipped, self._skips_command = self._skips_command, plain.startswith("FAILED: ")
        if step is not None:
            self._in_steps = True
            if self._live or step[1] != "0":
                self.status(plain)
        elif self._verbose or not (skipped or plain.startswith(("FAILED: ", "ninja: "))):
            self.line(text)

    def _redraw_until_ended(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_REDRAWS):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        """Write the status line over the previous status line. An empty status erases the line.

        Spaces overwrite the rest of a longer previous line, because some consoles of Windows do not
        support the escape sequence that erases a line.
        """
        if self._status:
            try:
                columns = os.get_terminal_size(self._stream.fileno()).columns or _USUAL_COLUMNS
            except OSError:
                columns = _USUAL_COLUMNS
            time_shown = f"  {duration(self.elapsed)}"
            # Leave the last column empty: some terminals begin a new line after a full line.
            room = max(0, columns - 1 - len(time_shown))
            shown = f"{shortened(harmless(self._status), room)}{time_shown}"[: columns - 1]
            self._stream.write(f"\r{shown}{' ' * (self._drawn - len(shown))}")
            self._drawn = len(shown)
        elif self._drawn:
            self._stream.write("\r" + " " * self._drawn + "\r")
            self._drawn = 0
        self._stream.flush()
