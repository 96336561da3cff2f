# SPDX-License-Identifier: Apache-2.0
"""Decides which steps of a plan must run: a step runs if something has changed since its last run.

The decision compares the contents of files, not the times of files. For each step, the record of
the last run contains:

- the arguments, the compiler, and the environment variables that compilers read;
- the digests of all files that the step read and wrote;
- the paths of missing files. If a file with such a path existed now, the compiler or linker would
  read that file instead of a file that it read in the last run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..base.errors import BuildError
from . import missing_files
from .changes_during_run import ChangesDuringRun
from .file_states import FileStates, FileSystemClock, Status
from .plan import BuildPlan, Step
from .step_commands import StepCommands
from .step_examination import StepExamination
from .step_record import StepRecord


@dataclass(frozen=True)
class Stale:
    """A step that must run.

    :param reason: what differs from the last run. The reason is empty in two cases: no step was
        recorded, or this step runs only because another step writes an input of this step again.
    :param bypass_cache: whether a compiler cache, such as ccache, could return an outdated object.
        A cache does not record missing files, so it does not detect a file that was missing before
        and exists now.
    """

    step: Step
    reason: str = ""
    bypass_cache: bool = False


class Freshness:
    """Compares the steps of one build folder with their record, and records steps that have run.

    :param folder: the absolute path of the folder that contains objects and libraries.
    :param root: the absolute path of the project's folder.
    :param environment: the environment variables of this build's commands.
    """

    _changes: ChangesDuringRun

    def __init__(self, folder: Path, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        self._record = record = StepRecord(folder)
        self._files = FileStates(root, {n: known for n, known in record.files.items() if known[0]})
        self._commands = StepCommands(environment, self._files)
        self._clock = FileSystemClock(record.path, folder)
        self._changed_folders: set[str] = set()
        self._begun: set[str] = set()
        self._unrecorded: dict[str, None] = {}

    def stale(self, plan: BuildPlan) -> list[Stale]:
        """Return the steps that must run, in the order of the plan."""
        record, files = self._record, self._files
        changed = {n for n, (digest, _) in record.files.items() if files.digest(n) != digest}
        self._changed_folders = missing_files.changed_folders(record.folders, files)
        appeared: dict[str, str] = {}
        if self._changed_folders:
            appeared = missing_files.appeared(record.details.missing, self._changed_folders, files)
        first = not record.commands
        steps = plan.steps
        found = {step.output: self._judge(step, changed, appeared) for step in steps}
        outputs: set[str] = set()
        grows = True
        # A library can link with a library whose steps come later in the plan. Therefore, repeat
        # the inner loop until it adds nothing to `outputs`, the files that will be written again.
        while grows:
            grows = False
            for step in steps:
                own = (step.output, *step.extra_outputs)
                if found[step.output] is None and outputs.isdisjoint(
                    (*step.inputs, *step.extra_inputs)
                ):
                    continue
                found[step.output] = found[step.output] or Stale(step)
                grows = grows or not outputs.issuperset(own)
                outputs.update(own)
        stale = _without_unused_headers([each for each in found.values() if each is not None])
        if not stale:
            self._refresh()
        return [replace(each, reason="") for each in stale] if first else stale

    def watched(self) -> dict[str, Status | None]:
        """Return the status of each recorded file and folder.

        The status is ``None`` in two cases:

        - The file could change without a change of the status.
        - The file is an output of a step that is not recorded. For example, a step is not recorded
          if one of its inputs changed while the step ran.
        """
        files = self._files
        named = {name: status for name, (_, status) in self._record.files.items()}
        named.update(self._record.folders)
        return {
            **{(files.path(n) if n[:1] == "<" else n): status for n, status in named.items()},
            **{s: files.trusted_status(s, self._clock) for s in self._commands.scripts()},
            **self._unrecorded,
        }

    def begin(self, stale: Iterable[Stale], written: Path) -> None:
        """Delete the outputs of the commands that will run, and remember when the commands start.

        :param written: a file that was just written. The time of its last change is used as the
            time when the commands started.
        """
        for each in stale:
            step = each.step
            self._begun.add(step.output)
            # The compiler can be a script. Compute the digest of the script before the step runs,
            # because the script can change while the step runs.
            self._commands.compiler(step)
            for name in (step.output, *step.extra_outputs, step.depfile):
                if name is not None:
                    (self._root / name).unlink(missing_ok=True)
            for name in (*step.inputs, *step.extra_inputs):
                self._files.status(self._files.stable(name))
        self._changes = ChangesDuringRun(self._files, self._clock, written)

    def complete(self, done: Sequence[Step], plan: BuildPlan) -> None:
        """Record steps that have run.

        If an input of a step has changed since `begin`, the step is not recorded. A failed step is
        not recorded, because it may have written only a part of its output. A step without a record
        runs again at the next build.

        :param done: the steps whose commands have succeeded.
        :raises BuildError: a command did not write its output, or did not report which files it
            read.
        """
        record, details = self._record, self._record.details
        planned = {step.output: step for step in plan.steps}
        kept = [o for o in record.commands if o in planned and o not in self._begun]
        commands = {output: record.commands[output] for output in kept}
        files_of: dict[str, Sequence[str]] = {output: record.files_of(output) for output in kept}
        details.missing = {o: names for o, names in details.missing.items() if o in planned}
        produced = {name for step in done for name in (step.output, *step.extra_outputs)}
        for name in produced:
            self._files.forget(name)
        examination = StepExamination(
            *(self._root, self._files, self._commands, self._changes), details, produced
        )
        problems: list[BuildError] = []
        for step in done:
            header = planned.get(step.precompiled)
            in_header: Iterable[str] = ()
            if header is not None:
                written = {header.output, *header.extra_outputs}
                in_header = [n for n in files_of.get(header.output, ()) if n not in written]
            try:
                run = examination.examine(step, in_header)
            except BuildError as problem:
                problems.append(problem)
                continue
            details.missing[step.output] = list(run.missing)
            if header is not None and header.output not in commands:
                # The step that precompiled the header is not recorded, for example because an input
                # changed during the run. `step` read the precompiled header, so do not record
                # `step` either.
                continue
            if all(name in produced or self._changes.is_unchanged(name) for name in run.inputs):
                commands[step.output] = run.command
                files_of[step.output] = (*run.inputs, *run.outputs)
        self._unrecorded = dict.fromkeys(planned.keys() - commands.keys())
        questions = {self._commands.question(step) for step in planned.values()}
        details.answers = {q: text for q, text in details.answers.items() if q in questions}
        folders = missing_files.folders_to_watch(details.missing, self._files, self._clock)
        names = dict.fromkeys(name for names in files_of.values() for name in names)
        files = {name: self._state(name, produced=name in produced) for name in names}
        record.replace(commands, files_of, files, folders)
        if problems:
            raise problems[0]

    def _judge(self, step: Step, changed: set[str], appeared: Mapping[str, str]) -> Stale | None:
        last = self._record.commands.get(step.output)
        if step.output in appeared:
            return Stale(step, appeared[step.output], bypass_cache=True)
        if last is None:
            return Stale(step, "was not built yet")
        reason = self._commands.difference(step, last)
        if reason is None and changed:
            for name in filter(changed.__contains__, self._record.files_of(step.output)):
                is_missing = self._files.status(name) is None
                return Stale(step, f"{name} {'is missing' if is_missing else 'changed'}")
        return None if reason is None else Stale(step, reason)

    def _refresh(self) -> None:
        """Record the current statuses of files and folders. Call this only if no step is stale."""
        record, folders = self._record, self._record.folders
        trusted_status, clock = self._files.trusted_status, self._clock
        files = {n: (digest, trusted_status(n, clock)) for n, (digest, _) in record.files.items()}
        if self._changed_folders:
            missing = record.details.missing
            folders = missing_files.folders_to_watch(missing, self._files, clock)
        if files != record.files or folders != record.folders:
            record.write_statuses(files, folders)

    def _state(self, name: str, *, produced: bool) -> tuple[str, Status | None]:
        """Return the digest and the status of a file, for the record.

        :param produced: whether a command of this build has written the file.
        """
        files = self._files
        # If the file was deleted after its step ran, record an empty digest. No existing file has
        # this digest, so the step runs again at the next build.
        digest = files.digest(name) or ""
        return digest, files.status(name) if produced else files.trusted_status(name, self._clock)


def _without_unused_headers(stale: Sequence[Stale]) -> list[Stale]:
    """Leave out each step that precompiles a header, unless a stale step reads one of its outputs.

    For example, if a precompiled header was deleted, but no compile step is stale, the header is
    not precompiled again. If one of the original headers has changed, the compile steps that read
    the precompiled header are stale, because the original headers are inputs of these steps. The
    header is then precompiled again.
    """
    used = {each.step.precompiled for each in stale}
    used.update(name for each in stale for name in each.step.inputs)
    return [
        each
        for each in stale
        if each.step.kind != "precompile"
        or not used.isdisjoint((each.step.output, *each.step.extra_outputs))
    ]
