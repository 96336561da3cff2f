# SPDX-License-Identifier: Apache-2.0
"""Starts the child processes that import `tvm_ffi`, and sends requests to them.

One child runs ``tvm-ffi-config``, imports the stub generator while the compilers run, and then
loads the library. A separate child for each step would start Python and import `tvm_ffi` again.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..base.child_end import end_child
from ..base.child_python import start_python

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class ChildResult:
    """The result of a request.

    :param answer: the last answer of the child. The ``stage`` of an answer names the step that the
        child began after this answer.
    :param printed: the child's standard output and standard error.
    :param status: the exit status of the child, negative if a signal ended the child; ``None`` if
        the child still runs.
    """

    answer: Mapping[str, Any]
    printed: str
    status: int | None


class TVMFFIProcess:
    """Starts a child process at the first request. There is at most one child at a time.

    If the child still runs at the end of the ``with`` block, this object ends the child.

    :ivar recorder: the library that records registrations, see `toolchains.recorder`. If it is
        ``None``, the child cannot read the docstrings of global functions.
    """

    def __init__(self, root: Path) -> None:
        self.recorder: Path | None = None
        self._root = root
        self._variables: Mapping[str, str] = {}
        self._child: subprocess.Popen[str] | None = None
        self._messages: IO[bytes] | None = None

    def __enter__(self) -> TVMFFIProcess:  # noqa: PYI034 - typing.Self is new in 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self._end(kill=True)

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set the child's environment variables. If the variables change, end the current child."""
        if variables != self._variables:
            self._end(kill=True)
            self._variables = variables

    def config(self, options: Sequence[str]) -> ChildResult:
        """Run ``tvm-ffi-config``. In the answer, ``config`` is the output of this program."""
        self._send({"do": "config", "options": list(options)})
        answer = next(self._answers(), {})
        if "config" in answer:
            return ChildResult(answer, "", None)
        return self._end(answer)

    def import_generator(self) -> None:
        """Make the child import the stub generator in the background."""
        self._send({"do": "import", "recorder": self._recorder_path()})

    def generate(
        self,
        request: Mapping[str, Any],
        choose: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    ) -> ChildResult:
        """Load a library and run the generator, then end the child.

        A process cannot unregister the names of a library, so each library needs a new child.

        :param choose: a function that receives the child's answer, which contains the registry, and
            returns the names to hide from the generator (see `reflection.hide`). If `choose`
            raises an error, this method ends the child.
        """
        self._send({**request, "do": "generate", "recorder": self._recorder_path()})
        answer: Mapping[str, Any] = {}
        try:
            for answer in self._answers():
                if answer["stage"] == "reflected":
                    self._send(choose(answer))
        except BaseException:
            self._end(kill=True)
            raise
        return self._end(answer)

    def _recorder_path(self) -> str | None:
        return None if self.recorder is None else str(self.recorder)

    def _send(self, request: Mapping[str, Any]) -> None:
        if self._child is None:
            self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
            self._child = start_python(
                CHILD, root=self._root, messages=self._messages, variables=self._variables
            )
        assert self._child.stdin is not None
        # If the child has ended, ignore the error: `_answers` then yields no more answers, and
        # `_end` returns the exit status.
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps(request) + "\n")
            self._child.stdin.flush()

    def _answers(self) -> Iterator[Mapping[str, Any]]:
        assert self._child is not None
        assert self._child.stdout is not None
        for line in self._child.stdout:
            yield json.loads(line)

    def _end(self, answer: Mapping[str, Any] | None = None, *, kill: bool = False) -> ChildResult:
        child, messages = self._child, self._messages
        self._child = self._messages = None
        if child is None or messages is None:
            return ChildResult({}, "", None)
        if kill:
            end_child(child)
        with contextlib.suppress(BrokenPipeError):
            child.communicate()
        with messages:
            messages.seek(0)
            printed = messages.read().decode("utf-8", "replace")
        return ChildResult(answer or {}, printed, child.returncode)
