# SPDX-License-Identifier: Apache-2.0
"""Describes the commands of steps, so that a changed command, compiler or variable is detected."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..base.file_digest import digest_of
from ..project.argument_files import named_files
from . import searches
from .file_states import FileStates
from .plan import Step
from .step_record import StepCommand

_DATE = "SOURCE_DATE_EPOCH"


class StepCommands:
    """Describes the commands of steps, and compares them with the commands of the last run.

    :param environment: the environment variables of this build's commands.
    """

    def __init__(self, environment: Mapping[str, str], files: FileStates) -> None:
        self.environment, self._files = environment, files
        values = {name: files.stable(environment.get(name, "")) for name in searches.VARIABLES}
        self._variables = {name: value for name, value in values.items() if value}
        self._scripts: dict[tuple[str, ...], dict[str, str]] = {}
        self._digest_of_question = functools.cache(self._question)

    def describe(self, step: Step, *, date: bool = False, timestamp: bool = False) -> StepCommand:
        """Describe a step's command for the record.

        :param date: whether a source or an argument contains ``__DATE__`` or ``__TIME__``.
        :param timestamp: whether a source or an argument contains ``__TIMESTAMP__``.
        """
        dated = "timestamp" if timestamp else self._date() if date else ""
        return StepCommand(self._identity(step), self.compiler(step), self._variables, dated)

    def difference(self, step: Step, last: StepCommand) -> str | None:
        """Compare a step's command with the command of its last run.

        :returns: the reason why the step must run again, or ``None`` if no reason is found.
        """
        if last.identity != self._identity(step):
            return "its command changed"
        if last.compiler != self.compiler(step):
            return "its compiler changed"
        if last.variables != self._variables:
            names = {name for name, _ in last.variables.items() ^ self._variables.items()}
            return f"{', '.join(sorted(names))} changed"
        if last.date == "timestamp":
            return "it contains __TIMESTAMP__"
        if last.date and (_DATE not in self.environment or last.date != self._date()):
            return f"it contains __DATE__ or __TIME__, and {_DATE} is unset or changed"
        return None

    def compiler(self, step: Step) -> str:
        """Return the compiler's version, and the digests of scripts in the compiler's command."""
        commands = (*step.launcher, *step.program)
        if commands not in self._scripts:
            scripts = filter(None, map(searches.script_of, commands))
            self._scripts[commands] = {s: self._files.digest(s) or "" for s in scripts}
        return "\n".join((step.version, *self._scripts[commands].values()))

    def scripts(self) -> set[str]:
        """Return the scripts in the commands that were described or compared so far."""
        return {script for scripts in self._scripts.values() for script in scripts}

    def question(self, step: Step) -> str:
        """Return a digest of the command that prints the folders in which a step searches.

        The digest also covers the contents of files that the arguments name, such as response
        files.
        """
        return self._digest_of_question(step.question, self.compiler(step))

    def _question(self, question: Sequence[str], compiler: str) -> str:
        files = named_files(question[1:], Path(self._files.path("")))
        named = {name: self._files.digest(name) for name in files}
        return digest_of(json.dumps([question, compiler, self._variables, named]).encode())

    def _identity(self, step: Step) -> str:
        """Return a digest of the step's arguments and file names, without the compiler's path."""
        groups = (
            *((step.kind, step.response_file_content), step.program[1:], step.arguments),
            *(step.inputs, step.extra_inputs, step.extra_outputs),
        )
        text = "\0\0".join("\0".join(words) for words in groups)
        return digest_of(self._files.stable(text).encode(errors="surrogateescape"))

    def _date(self) -> str:
        return f"date {self.environment.get(_DATE)}"
