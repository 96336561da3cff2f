# SPDX-License-Identifier: Apache-2.0
"""The build's end of the child processes in which `tvm_ffi` is imported.

One child answers what ``tvm-ffi-config`` says, imports the stub generator while the compilers run,
and then loads the library: one start of Python and one import of `tvm_ffi` for all of it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ..base.child_end import end_child
from ..base.child_python import start_python

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class ChildReport:
    """How a request ended.

    :param answer: the last answer, and in it ``stage``: how far the child came.
    :param printed: what was written to standard output and error, by whomever.
    :param status: the exit status; negative for a signal; ``None`` while the child lives.
    """

    answer: Mapping[str, Any]
    printed: str
    status: int | None


class TVMFFIProcess:
    """At most one child at a time, started when it is first of use.

    A context manager: a child that is left over is ended.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._variables: Mapping[str, str] = {}
        self._child: subprocess.Popen[str] | None = None
        self._messages: IO[bytes] | None = None

    def __enter__(self) -> TVMFFIProcess:  # noqa: PYI034 - typing.Self is new in 3.11
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end(kill=True)

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Start children with these environment variables from now on."""
        if variables != self._variables:
            self._end(kill=True)
            self._variables = variables

    def config(self, options: Sequence[str]) -> ChildReport:
        """Ask ``tvm-ffi-config``; the answer's ``config`` is what it prints."""
        self._send({"do": "config", "options": list(options)})
        answer = next(self._answers(), {})
        if "config" in answer:
            return ChildReport(answer, "", None)
        return self._end(answer)

    def import_generator(self) -> None:
        """Have the child import the stub generator, without waiting for it."""
        self._send({"do": "import"})

    def generate(
        self,
        request: Mapping[str, Any],
        choose: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    ) -> ChildReport:
        """Have the child load a library and run the generator; it ends with that.

        What it registers cannot be taken back, so another library gets another child.

        :param choose: is given what the registry holds, and returns what the generator is not to
            see, as `reflection.hide` takes it. What it raises ends the child.
        """
        self._send({**request, "do": "generate"})
        answer: Mapping[str, Any] = {}
        try:
            for answer in self._answers():
                if answer["stage"] == "reflected":
                    self._send(choose(answer))
        except BaseException:
            self._end(kill=True)
            raise
        return self._end(answer)

    def _send(self, request: Mapping[str, Any]) -> None:
        if self._child is None:
            self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
            self._child = start_python(
                CHILD, root=self._root, messages=self._messages, variables=self._variables
            )
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died: reading will tell
            self._child.stdin.write(json.dumps(request) + "\n")
            self._child.stdin.flush()

    def _answers(self) -> Iterator[Mapping[str, Any]]:
        assert self._child is not None
        assert self._child.stdout is not None
        for line in self._child.stdout:
            yield json.loads(line)

    def _end(self, answer: Mapping[str, Any] | None = None, *, kill: bool = False) -> ChildReport:
        child, messages = self._child, self._messages
        self._child = self._messages = None
        if child is None or messages is None:
            return ChildReport({}, "", None)
        if kill:
            end_child(child)
        with contextlib.suppress(BrokenPipeError):
            child.communicate()
        with messages:
            messages.seek(0)
            printed = messages.read().decode("utf-8", "replace")
        return ChildReport(answer or {}, printed, child.returncode)
