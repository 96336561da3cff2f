# SPDX-License-Identifier: Apache-2.0
"""Decides which steps of a plan must run: those whose inputs differ from those of their last run.

Contents are compared, not times. The record of a step has its arguments, its compiler, the
variables that compilers read, the digests of all files that the step read and wrote, and the paths
where a search would find another file if one were created there.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..base.errors import BuildError
from ..base.file_digest import digest_of
from ..base.file_replacement import replace_file
from ..base.json_file import read_object
from . import searches
from .depfile import dependencies
from .file_states import (
    FileStates,
    Status,
    changed_at,
    may_change_unseen,
    may_have_changed_since,
    status_of,
)
from .plan import BuildPlan, Step
from .source_scan import HeaderName, SourceFacts, scan

_RECORD = "steps.json"
_DETAILS = "step-details.json"  # read only if something has changed
_FORMAT = 1
_DATE = "SOURCE_DATE_EPOCH"


@dataclass(frozen=True)
class Stale:
    """A step that must run.

    :param reason: what differs from the last run; empty if only another step's output differs, or
        if nothing was recorded.
    :param bypass_launcher: whether a compiler cache could return the old object, because it does
        not record which files were missing.
    """

    step: Step
    reason: str = ""
    bypass_launcher: bool = False


@dataclass
class _Entry:
    """The last run of a step. Files are paths; in the record, they are ranges of path numbers."""

    identity: str
    compiler: str
    variables: Mapping[str, str]
    inputs: list[Any]
    outputs: list[Any]
    date: str = ""  #: ``timestamp``, or ``date`` and the value of SOURCE_DATE_EPOCH


@dataclass
class _Details:
    """What is needed only if a step runs, or if a searched folder has changed.

    :param missing: by a step's output, paths that were missing. A path that ends with ``/*`` means
        any file in a folder.
    :param facts: by a source's digest.
    :param answers: what compilers have printed about their folders, by digest of the question.
    """

    missing: dict[str, list[str]] = field(default_factory=dict)
    facts: dict[str, SourceFacts] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)


class Freshness:
    """The record of the steps of one build folder.

    :param folder: of objects and libraries, absolute.
    :param root: the project's folder, absolute.
    :param environment: the variables that the commands of this build get.
    """

    def __init__(self, folder: Path, root: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._root, self._environment = folder, root, environment
        try:
            self._load(read_object(folder / _RECORD))
        except (AttributeError, LookupError, TypeError):  # valid JSON, but not a record
            self._load({})
        self._files = FileStates(root, dict(zip(self._paths, zip(self._digests, self._statuses))))
        stable = self._files.stable
        values = {name: stable(environment.get(name, "")) for name in searches.VARIABLES}
        self._variables = {name: value for name, value in values.items() if value}
        self._loaded: _Details | None = None
        self._scripts: dict[tuple[str, ...], dict[str, str]] = {}
        self._changed_folders: set[str] = set()
        self._opened = time.time_ns()  # before any file is examined
        self._started = 0
        self._before: dict[str, Status | None] = {}
        self._begun: set[str] = set()
        self._produced: set[str] = set()
        self._unrecorded: dict[str, None] = {}
        self._existed: dict[str, bool] = {}
        self._unchanged: dict[str, bool] = {}
        self._facts_by_name: dict[str, SourceFacts] = {}
        self._searches: dict[searches.IncludePath, searches.HeaderSearch] = {}

    def _load(self, record: Mapping[str, Any]) -> None:
        if record.get("format") != _FORMAT:
            record = {}
        self._id: str = record.get("id", "")
        self._paths: list[str] = record.get("paths", [])
        self._digests: list[str] = record.get("digests", [])
        self._statuses: list[Status | None] = [_status(s) for s in record.get("statuses", [])]
        self._folders: dict[str, Status | None] = {
            name: _status(value) for name, value in record.get("folders", {}).items()
        }
        self._entries = {name: _Entry(**entry) for name, entry in record.get("steps", {}).items()}

    def stale(self, plan: BuildPlan) -> list[Stale]:
        """Return the steps that must run, in the order of the plan."""
        changed = {
            number
            for number, (name, digest) in enumerate(zip(self._paths, self._digests))
            if (self._files.digest(name) or "") != digest
        }
        appeared = self._appeared()
        first = not self._entries
        stale: list[Stale] = []
        outputs: set[str] = set()
        for library in plan.libraries:
            for step in library.steps:
                found = self._judge(step, changed, appeared)
                if found is None and not outputs.isdisjoint((*step.inputs, *step.extra_inputs)):
                    found = Stale(step)
                if found is not None:
                    stale.append(Stale(step) if first else found)
                    outputs.update((step.output, *step.extra_outputs))
        if not stale:
            self._refresh()
        return stale

    def watched(self) -> dict[str, Status | None]:
        """Return the status of each recorded file and folder.

        It is ``None`` if a change could leave it as it is, and for the output of a step that is not
        recorded, for example because its inputs changed while it ran.
        """
        scripts = {script: None for found in self._scripts.values() for script in found}
        named = {**dict(zip(self._paths, self._statuses)), **self._folders}
        return {
            **{(self._files.path(n) if n[:1] == "<" else n): s for n, s in named.items()},
            **{script: self._trusted(script) for script in scripts},
            **self._unrecorded,
        }

    def begin(self, stale: Iterable[Stale], written: Path) -> None:
        """Prepare for the commands: delete their outputs, and note the time.

        :param written: a file that was written just before; it has the file system's time.
        """
        for each in stale:
            step = each.step
            self._begun.add(step.output)
            self._compiler(step)  # examines wrapper scripts
            for name in (step.output, *step.extra_outputs, step.depfile):
                if name is not None:
                    (self._root / name).unlink(missing_ok=True)
            for name in (*step.inputs, *step.extra_inputs):
                self._files.status(self._files.stable(name))
        self._before = self._files.examined()
        status = status_of(str(written))
        self._started = 0 if status is None else changed_at(status)
        # A later change of a file has a later time, since times advance in steps.
        time.sleep(0.005)

    def complete(self, done: Sequence[Step], plan: BuildPlan) -> None:
        """Record steps that have run.

        A step whose inputs have changed since `begin` is not recorded, so that it runs again. Nor
        is a step that has failed: it may have written a part of its output.

        :raises BuildError: a command has not written what it should write.
        """
        details = self._details()
        planned = {step.output: step for library in plan.libraries for step in library.steps}
        entries = {
            output: replace(
                entry,
                inputs=[self._paths[n] for n in _numbers(entry.inputs)],
                outputs=[self._paths[n] for n in _numbers(entry.outputs)],
            )
            for output, entry in self._entries.items()
            if output in planned and output not in self._begun
        }
        details.missing = {o: names for o, names in details.missing.items() if o in planned}
        self._produced = {name for step in done for name in (step.output, *step.extra_outputs)}
        for name in self._produced:
            self._files.forget(name)
        problems: list[BuildError] = []
        for step in done:
            try:
                entry, missing = self._examine(step, details)
            except BuildError as problem:
                problems.append(problem)
                continue
            details.missing[step.output] = sorted(missing)
            if all(name in self._produced or self._is_unchanged(name) for name in entry.inputs):
                entries[step.output] = entry
        self._unrecorded = dict.fromkeys(planned.keys() - entries.keys())
        questions = {self._question(step) for step in planned.values()}
        details.answers = {q: text for q, text in details.answers.items() if q in questions}
        self._write(entries, details)
        if problems:
            raise problems[0]

    def _judge(self, step: Step, changed: set[int], appeared: Mapping[str, str]) -> Stale | None:
        entry = self._entries.get(step.output)
        if step.output in appeared:
            return Stale(step, appeared[step.output], bypass_launcher=True)
        if entry is None:
            return Stale(step, "was not built yet")
        reason = None
        different = changed and changed.intersection(_numbers(entry.inputs + entry.outputs))
        if entry.identity != self._identity(step):
            reason = "its command changed"
        elif entry.compiler != self._compiler(step):
            reason = "its compiler changed"
        elif entry.variables != self._variables:
            names = {name for name, _ in entry.variables.items() ^ self._variables.items()}
            reason = f"{', '.join(sorted(names))} changed"
        elif entry.date == "timestamp":
            reason = "it contains __TIMESTAMP__"
        elif entry.date and (_DATE not in self._environment or entry.date != self._date()):
            reason = f"it contains __DATE__ or __TIME__, and {_DATE} is unset or changed"
        elif different:
            name = self._paths[min(different)]
            reason = f"{name} {'is missing' if self._files.status(name) is None else 'changed'}"
        return None if reason is None else Stale(step, reason)

    def _examine(self, step: Step, details: _Details) -> tuple[_Entry, set[str]]:
        """Return the entry of a step that has run, and files that it would read if they existed."""
        outputs = [step.output, *step.extra_outputs]
        for name in outputs:
            if self._files.status(name) is None:
                raise BuildError(
                    f"{step.description}: the command succeeded, but it did not write {name}",
                    hint=f"check that {step.program[0]!r} is a compiler or starts one",
                )
        inputs = dict.fromkeys((*step.inputs, *step.extra_inputs))
        inputs.update(searches.named_files(step.arguments, self._root))
        date = ""
        if step.kind == "compile":
            read = self._read_files(step)
            missing = self._header_search(step, details).missing(read)
            inputs.update(dict.fromkeys(read))
            words = "\n".join(searches.expanded(step.arguments, self._root))  # such as -D
            dated = [scan(words.encode(errors="surrogateescape"))]
            dated += [self._facts(name, details) for name in read]
            if any(found.timestamp for found in dated):
                date = "timestamp"
            elif any(found.date for found in dated):
                date = self._date()
        else:
            found, missing = searches.searched_libraries(
                step.arguments, self._library_path(step, details), self._root
            )
            inputs.update(found)
        stable = self._files.stable
        own = {*outputs, step.depfile, step.response_file}
        return _Entry(
            identity=self._identity(step),
            compiler=self._compiler(step),
            variables=self._variables,
            inputs=list(dict.fromkeys(stable(name) for name in inputs if name not in own)),
            outputs=outputs,
            date=date,
        ), set(map(stable, missing))

    def _read_files(self, step: Step) -> list[str]:
        assert step.depfile is not None
        assert step.dependency_style is not None
        try:
            content = (self._root / step.depfile).read_bytes()
            read = dependencies(content, step.dependency_style)
            return list(dict.fromkeys(map(self._files.stable, read)))
        except (OSError, ValueError) as problem:
            raise BuildError(
                f"{step.description}: the compiler did not report which files it read: {problem}",
                hint=f"check that {step.program[0]!r} passes all arguments to a compiler",
            ) from None

    def _facts(self, name: str, details: _Details) -> SourceFacts:
        if name not in self._facts_by_name:
            self._facts_by_name[name] = self._scanned(name, details)
        return self._facts_by_name[name]

    def _scanned(self, name: str, details: _Details) -> SourceFacts:
        digest = self._files.known_digest(name)
        if digest is None or digest not in details.facts:
            try:
                content = self._files.content(name)
            except OSError:
                return SourceFacts()
            digest = digest_of(content)
            details.facts[digest] = scan(content)
        return details.facts[digest]

    def _header_search(self, step: Step, details: _Details) -> searches.HeaderSearch:
        if step.question:
            path = searches.include_path(self._answer(step, details))
            if path.is_outdated(self._root):
                path = searches.include_path(self._answer(step, details, again=True))
        else:
            path = searches.msvc_include_path(step.arguments, self._environment)
        stable = self._files.stable
        path = searches.IncludePath(
            *(tuple(map(stable, each)) for each in (path.quoted, path.brackets, path.missing))
        )
        if path not in self._searches:
            self._searches[path] = searches.HeaderSearch(
                path, lambda name: self._facts(name, details), self._has_existed
            )
        return self._searches[path]

    def _library_path(self, step: Step, details: _Details) -> tuple[str, ...]:
        printed = self._answer(step, details) if step.question else ""
        return searches.library_path(printed, self._environment)

    def _answer(self, step: Step, details: _Details, *, again: bool = False) -> str:
        """Return what the compiler prints about the folders that it searches."""
        key = self._question(step)
        if again or key not in details.answers:
            details.answers[key] = searches.ask(step.question, self._root)
        return details.answers[key]

    def _question(self, step: Step) -> str:
        question = json.dumps([step.question, self._compiler(step), self._variables])
        return digest_of(question.encode())

    def _compiler(self, step: Step) -> str:
        """Return the version of a step's compiler, and the digests of wrapper scripts."""
        commands = (*step.launcher, *step.program)
        if commands not in self._scripts:
            scripts = filter(None, map(searches.script_of, commands))
            self._scripts[commands] = {s: self._files.digest(s) or "" for s in scripts}
        return "\n".join((step.version, *self._scripts[commands].values()))

    def _identity(self, step: Step) -> str:
        """Return the digest of what the plan says of a step, without the path of its compiler."""
        groups = (
            *((step.kind, step.response_file_content), step.program[1:], step.arguments),
            *(step.inputs, step.extra_inputs, step.extra_outputs),
        )
        text = "\0\0".join("\0".join(words) for words in groups)
        return digest_of(self._files.stable(text).encode(errors="surrogateescape"))

    def _date(self) -> str:
        return f"date {self._environment.get(_DATE)}"

    def _exists(self, name: str) -> bool:
        return os.path.lexists(self._files.path(name))

    def _has_existed(self, name: str) -> bool:
        """Whether a file exists and did so when the commands started."""
        if name not in self._existed:
            try:
                link = os.lstat(self._files.path(name))
                self._existed[name] = not self._is_recent(link.st_ctime_ns)
            except OSError:
                self._existed[name] = False
        return self._existed[name]

    def _is_unchanged(self, name: str) -> bool:
        """Whether a file is as it was when the commands started."""
        if name not in self._unchanged:
            self._unchanged[name] = self._is_same(name)
        return self._unchanged[name]

    def _is_same(self, name: str) -> bool:
        now = status_of(self._files.path(name))
        if name in self._before:
            return now == self._before[name]
        if now is None:
            return False
        link = os.lstat(self._files.path(name))
        return not self._is_recent(changed_at(now)) and not self._is_recent(link.st_mtime_ns)

    def _is_recent(self, changed: int) -> bool:
        """Whether a file has changed since the commands started.

        A time in the future was set by a program, or by a clock that ran fast.
        """
        return self._started < changed <= time.time_ns() + 1_000_000_000

    def _appeared(self) -> dict[str, str]:
        """Return, by a step's output, why a search could now find another file."""
        self._changed_folders = {
            folder
            for folder, status in self._folders.items()
            if status is None or status_of(self._files.path(folder)) != status
        }
        if not self._changed_folders:
            return {}
        result: dict[str, str] = {}
        exists: dict[str, bool] = {}
        for output, names in self._details().missing.items():
            for name in names:
                folder, last = os.path.split(name)
                if last == "*":
                    if self._existing_folder(name) in self._changed_folders:
                        result[output] = f"files in {folder or '.'} changed"
                    continue
                if name not in exists:
                    exists[name] = self._exists(name)
                if exists[name]:
                    result[output] = f"{name} is new"
                    break
        return result

    def _details(self) -> _Details:
        if self._loaded is None:
            record = read_object(self._folder / _DETAILS)
            if record.get("id") != self._id:
                # It is unknown which files were missing: run every step.
                self._entries, record = {}, {}
            paths = record.get("paths", [])
            self._loaded = _Details(
                {
                    o: [paths[n] for n in numbers]
                    for o, numbers in record.get("missing", {}).items()
                },
                {digest: _facts_of(facts) for digest, facts in record.get("facts", {}).items()},
                record.get("answers", {}),
            )
        return self._loaded

    def _refresh(self) -> None:
        """Update statuses: a file was touched or rewritten with the same content."""
        statuses = [self._trusted(name) for name in self._paths]
        folders = self._folders
        if self._changed_folders:
            folders = self._watch_folders(self._details().missing)
        if statuses != self._statuses or folders != self._folders:
            self._statuses, self._folders = statuses, folders
            self._write_record()

    def _write(self, entries: Mapping[str, _Entry], details: _Details) -> None:
        paths = dict.fromkeys(n for e in entries.values() for n in (*e.inputs, *e.outputs))
        number = {name: position for position, name in enumerate(paths)}
        digests = {name: self._files.digest(name) for name in paths}
        # A file that was deleted meanwhile: its steps run again.
        self._entries = {
            output: replace(
                entry,
                inputs=_ranges(number[name] for name in entry.inputs),
                outputs=_ranges(number[name] for name in entry.outputs),
            )
            for output, entry in entries.items()
        }
        self._paths = list(paths)
        self._digests = [digests[name] or "" for name in paths]
        self._statuses = [self._trusted(name) for name in paths]
        self._folders = self._watch_folders(details.missing)
        every = dict.fromkeys(name for names in details.missing.values() for name in names)
        self._id = secrets.token_hex(8)
        numbers = {name: position for position, name in enumerate(every)}
        used = set(self._digests)
        content = {
            "id": self._id,
            "paths": list(every),
            "missing": {
                o: [numbers[name] for name in names] for o, names in details.missing.items()
            },
            "facts": {
                digest: {**vars(facts), "names": [vars(name) for name in facts.names]}
                for digest, facts in details.facts.items()
                if digest in used
            },
            "answers": details.answers,
        }
        # The record is written last. If this process is killed before, the identifiers differ.
        replace_file(self._folder / _DETAILS, json.dumps(content).encode())
        self._write_record()

    def _write_record(self) -> None:
        record = {
            "format": _FORMAT,
            "id": self._id,
            "paths": self._paths,
            "digests": self._digests,
            "statuses": self._statuses,
            "folders": self._folders,
            "steps": {output: vars(entry) for output, entry in self._entries.items()},
        }
        replace_file(self._folder / _RECORD, json.dumps(record).encode())

    def _trusted(self, name: str) -> Status | None:
        """Return the status of a file unless the file could have another content."""
        status = self._files.status(name)
        if status is None or name in self._produced:
            return status
        if not may_have_changed_since(status, self._opened):
            return status
        # It was written just before it was read. Read it again, now that its times would differ.
        if may_change_unseen(status, time.time_ns()):
            return None
        try:
            digest = digest_of(Path(self._files.path(name)))
        except OSError:
            return None
        return status if digest == self._files.digest(name) else None

    def _watch_folders(self, missing: Mapping[str, Iterable[str]]) -> dict[str, Status | None]:
        """Return the statuses of the folders where missing files would be created.

        A status is ``None`` if such a file exists now, so that the next build examines the folder.
        """
        folders: dict[str, list[str]] = {}
        parents: dict[str, str] = {}
        for name in dict.fromkeys(name for names in missing.values() for name in names):
            parent = os.path.dirname(name)
            if parent not in parents:
                parents[parent] = self._existing_folder(name)
            folders.setdefault(parents[parent], []).append(name)
        return {folder: self._folder_status(folder, names) for folder, names in folders.items()}

    def _folder_status(self, folder: str, missing: Iterable[str]) -> Status | None:
        now = time.time_ns()
        status = status_of(self._files.path(folder))
        if status is None or may_change_unseen(status, now):
            return None
        is_new = may_have_changed_since(status, self._opened)
        for name in missing:
            if is_new if os.path.basename(name) == "*" else self._exists(name):
                return None
        return status

    def _existing_folder(self, name: str) -> str:
        folder = os.path.dirname(name)
        while not os.path.isdir(self._files.path(folder)) and os.path.dirname(folder) != folder:
            folder = os.path.dirname(folder)
        return folder


def _ranges(numbers: Iterable[int]) -> list[int]:
    """Return the starts and ends of ranges of numbers.

    Sources of one project read much the same headers, so that the record has few ranges.

    >>> _ranges([1, 2, 3, 7])
    [1, 4, 7, 8]
    """
    ranges: list[int] = []
    for number in sorted(numbers):
        if ranges and ranges[-1] == number:
            ranges[-1] += 1
        else:
            ranges += (number, number + 1)
    return ranges


def _numbers(ranges: Sequence[int]) -> Iterator[int]:
    """Return the numbers in ranges."""
    return itertools.chain.from_iterable(map(range, ranges[::2], ranges[1::2]))


def _status(value: Sequence[int] | None) -> Status | None:
    return None if value is None else (value[0], value[1], value[2], value[3])


def _facts_of(value: Mapping[str, Any]) -> SourceFacts:
    names = tuple(HeaderName(**name) for name in value["names"])
    return SourceFacts(**{**value, "names": names})
