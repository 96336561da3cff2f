# SPDX-License-Identifier: Apache-2.0
"""Finds the files that a finished step has read, and the missing files that it has looked for."""

from __future__ import annotations

import functools
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..base.errors import BuildError
from ..base.file_digest import digest_of
from ..project.argument_files import expanded, named_files
from ..project.source_scan import SourceFacts, scan
from . import searches
from .changes_during_run import ChangesDuringRun
from .depfile import dependencies
from .file_states import FileStates
from .plan import Step
from .step_commands import StepCommands
from .step_record import Details, StepCommand


@dataclass(frozen=True)
class StepRun:
    """What a finished step read, wrote, and looked for.

    :param missing: the paths at which the compiler or linker looked and found no file.
    """

    command: StepCommand
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    missing: tuple[str, ...]


class StepExamination:
    """Examines the steps that have succeeded in one build.

    :param root: the absolute path of the project's folder.
    :param details: known facts about sources, and known search folders of compilers. `examine` adds
        new facts and new folders to `details`.
    :param produced: the outputs of all steps that have succeeded in this build.
    """

    def __init__(
        self,
        root: Path,
        files: FileStates,
        commands: StepCommands,
        changes: ChangesDuringRun,
        details: Details,
        produced: Collection[str],
    ) -> None:
        self._root, self._files, self._commands, self._changes = root, files, commands, changes
        self._details, self._produced = details, produced
        self._folders = {str(root): "", **{f: f"{f}/" for f in files.environment_folders}}
        self._facts = functools.cache(self._scanned)
        self._searches = functools.cache(self._search)

    def examine(self, step: Step, in_header: Iterable[str] = ()) -> StepRun:
        """Return what a step has read, written and looked for.

        :param in_header: the files from which the step's precompiled header was made. The result
            contains these files, although GCC does not report them. The result does not contain the
            precompiled header, because GCC (12) writes different bytes each time.
        :raises BuildError: the command did not write its output, or did not report which files it
            read.
        """
        outputs = (step.output, *step.extra_outputs)
        for name in outputs:
            if self._files.status(name) is None:
                hint = f"check that {step.program[0]!r} is a compiler or starts one"
                if step.declared_at:
                    hint = "let the command write this file to {out}, or correct 'outputs'"
                raise BuildError(
                    f"{step.declared_at or step.description}: the command succeeded, but it did "
                    f"not write {name}",
                    hint=hint,
                )
        inputs, missing = self._declared(step)
        inputs.update(named_files(step.arguments, self._root))
        dated: list[SourceFacts] = []
        absent: set[str] = set()
        if step.kind in {"compile", "precompile"}:
            read = list(dict.fromkeys((*self._read_files(step), *in_header)))
            # `search` treats the first file in `read` as the source. With a precompiled header,
            # Clang (20) reports the source after the headers, so pass the source in `named`, too.
            named = (*step.inputs, *searches.included_by_arguments(step.arguments))
            found, absent = self._searches(self._include_path(step)).search(read, named)
            inputs.update(dict.fromkeys((*read, *sorted(found))))
            # Scan the arguments, too: for example, the value of -D can contain __DATE__.
            words = "\n".join(expanded(step.arguments, self._root))
            dated = [scan(words.encode(errors="surrogateescape")), *map(self._facts, read)]
        elif step.kind != "generate":
            printed = self._answer(step) if step.question else ""
            folders = searches.library_path(printed, self._commands.environment)
            libraries, absent = searches.searched_libraries(step.arguments, folders, self._root)
            inputs.update(libraries)
        stable = self._files.stable
        own = {*outputs, step.depfile, step.response_file, step.precompiled}
        return StepRun(
            self._commands.describe(
                step,
                date=any(facts.date for facts in dated),
                timestamp=any(facts.timestamp for facts in dated),
            ),
            tuple(dict.fromkeys(stable(name) for name in inputs if name not in own)),
            outputs,
            tuple(sorted(set(map(stable, missing | absent)))),
        )

    def _declared(self, step: Step) -> tuple[dict[str, None], set[str]]:
        """Return the files that the plan declares as inputs: the existing and the missing files.

        If the plan declares a folder, the existing files are all files in the folder. The missing
        files then include ``folder/*``, so that the step runs again if a file is added.
        """
        inputs: dict[str, None] = {}
        missing: set[str] = set()
        for name in (*step.inputs, *step.extra_inputs):
            if os.path.isdir(self._root / name):
                top = str(self._root / name)
                for folder, _, files in os.walk(top):
                    place = name.rstrip("/") + folder[len(top) :]
                    inputs.update(dict.fromkeys(os.path.join(place, file) for file in files))
                    missing.add(f"{place}/*")
            elif name in self._produced or self._changes.existed(self._files.stable(name)):
                inputs[name] = None
            else:  # The file did not exist when the commands started.
                missing.add(name)
        return inputs, missing

    def _read_files(self, step: Step) -> list[str]:
        if step.depfile is None:
            # The assembler does not report files. `HeaderSearch` finds the files that the source
            # names.
            return [self._files.stable(step.inputs[0])]
        assert step.dependency_style is not None
        try:
            content = (self._root / step.depfile).read_bytes()
            read = dependencies(content, step.dependency_style, self._folders)
            if step.precompiled:
                # Clang (20) reports the precompiled header: leave it out. Clang also reports the
                # absolute paths of the headers from which the precompiled header was made: make
                # these paths relative.
                read = [self._relative(name) for name in read if name != step.precompiled]
            return list(dict.fromkeys(map(self._files.stable, read)))
        except (OSError, ValueError) as problem:
            raise BuildError(
                f"{step.description}: the compiler did not report which files it read: {problem}",
                hint=f"check that {step.program[0]!r} passes all arguments to a compiler",
            ) from None

    def _relative(self, name: str) -> str:
        root = str(self._root)
        return os.path.relpath(name, root) if name.startswith(root + os.sep) else name

    def _scanned(self, name: str) -> SourceFacts:
        known = self._details.facts
        digest = self._files.known_digest(name)
        if digest is None or digest not in known:
            try:
                content = self._files.content(name)
            except OSError:
                return SourceFacts()
            digest = digest_of(content)
            known[digest] = scan(content)
        return known[digest]

    def _search(self, path: searches.IncludePath) -> searches.HeaderSearch:
        return searches.HeaderSearch(path, self._facts, self._changes.has_existed)

    def _include_path(self, step: Step) -> searches.IncludePath:
        if step.question:
            path = searches.include_path(self._answer(step))
            if path.is_outdated(self._root):
                path = searches.include_path(self._answer(step, again=True))
        else:
            path = searches.msvc_include_path(step.arguments, self._commands.environment)
        stable = self._files.stable
        return replace(
            path,
            quoted=tuple(map(stable, path.quoted)),
            brackets=tuple(map(stable, path.brackets)),
            missing=tuple(map(stable, path.missing)),
        )

    def _answer(self, step: Step, *, again: bool = False) -> str:
        """Return the text in which the compiler prints the folders that it searches.

        :param again: whether to run the compiler even if the record contains the text.
        """
        answers, key = self._details.answers, self._commands.question(step)
        if again or key not in answers:
            answers[key] = searches.ask(step.question, self._root)
        return answers[key]
