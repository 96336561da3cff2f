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
_DETAILS = "step-details.json"  # a build reads this file only if something has changed
_FORMAT = 1
_DATE = "SOURCE_DATE_EPOCH"


@dataclass(frozen=True)
class Stale:
    """A step that must run.

    :param reason: what differs from the last run. The reason is empty in two cases: the step runs
        only because another step writes one of its inputs again, or no step was recorded.
    :param bypass_cache: whether a compiler cache, such as ccache, could return an outdated object.
        A cache does not record missing files, so it does not notice that such a file exists now.
    """

    step: Step
    reason: str = ""
    bypass_cache: bool = False


@dataclass
class _Entry:
    """The last run of a step.

    :param inputs: the files that the step read. `Freshness.complete` stores their paths. The record
        stores numbers of paths, as ranges (see `_ranges`).
    :param outputs: the files that the step wrote, in the same form as `inputs`.
    :param date: what the step knew about the date: ``timestamp`` if a source contains
        ``__TIMESTAMP__``, ``date`` and the value of SOURCE_DATE_EPOCH if a source contains
        ``__DATE__`` or ``__TIME__``, else empty.
    """

    identity: str
    compiler: str
    variables: Mapping[str, str]
    inputs: list[Any]
    outputs: list[Any]
    date: str = ""


@dataclass
class _Details:
    """The part of the record that is needed only if a step runs or a searched folder has changed.

    :param missing: the paths of missing files for each step. The key is the output of the step. A
        path that ends with ``/*`` means any file in the folder.
    :param facts: the `SourceFacts` of each source or header. The key is the digest of the file.
    :param answers: the folders that a compiler printed. The key is the digest of the command that
        printed them.
    """

    missing: dict[str, list[str]] = field(default_factory=dict)
    facts: dict[str, SourceFacts] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)


class Freshness:
    """The record of the steps of one build folder.

    :param folder: the absolute path of the folder that contains objects and libraries.
    :param root: the absolute path of the project's folder.
    :param environment: the environment variables of this build's commands.
    """

    def __init__(self, folder: Path, root: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._root, self._environment = folder, root, environment
        try:
            self._load(read_object(folder / _RECORD))
        except (AttributeError, LookupError, TypeError):  # The file has no valid record.
            self._load({})
        known = zip(self._paths, self._digests, self._statuses)
        self._files = FileStates(root, {n: (digest, s) for n, digest, s in known if digest})
        stable = self._files.stable
        values = {name: stable(environment.get(name, "")) for name in searches.VARIABLES}
        self._variables = {name: value for name, value in values.items() if value}
        self._loaded: _Details | None = None
        self._scripts: dict[tuple[str, ...], dict[str, str]] = {}
        self._changed_folders: set[str] = set()
        self._opened = self._clock()  # Later, files are examined.
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
            if self._files.digest(name) != digest
        }
        appeared = self._appeared()
        first = not self._entries
        steps = [step for library in plan.libraries for step in library.steps]
        found = {step.output: self._judge(step, changed, appeared) for step in steps}
        outputs: set[str] = set()
        grows = True
        while grows:  # A library can link with a later library of the plan.
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
        stale = [each for each in found.values() if each is not None]
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
        scripts = {script: None for found in self._scripts.values() for script in found}
        named = {**dict(zip(self._paths, self._statuses)), **self._folders}
        return {
            **{(self._files.path(n) if n[:1] == "<" else n): s for n, s in named.items()},
            **{script: self._trusted(script) for script in scripts},
            **self._unrecorded,
        }

    def begin(self, stale: Iterable[Stale], written: Path) -> None:
        """Delete the outputs of the commands that will run, and remember when the commands start.

        :param written: a file that was just written. The modification time of the file is the
            current time of the file system.
        """
        for each in stale:
            step = each.step
            self._begun.add(step.output)
            self._compiler(step)  # If the compiler is a script, compute its digest.
            for name in (step.output, *step.extra_outputs, step.depfile):
                if name is not None:
                    (self._root / name).unlink(missing_ok=True)
            for name in (*step.inputs, *step.extra_inputs):
                self._files.status(self._files.stable(name))
        self._before = self._files.examined()
        status = status_of(str(written))
        self._started = 0 if status is None else changed_at(status)
        # The file system's time advances in steps. A file that changes after this pause has a
        # later time.
        time.sleep(0.005)

    def complete(self, done: Sequence[Step], plan: BuildPlan) -> None:
        """Record steps that have run.

        If an input of a step has changed since `begin`, the step is not recorded. A failed step is
        not recorded, because it may have written only a part of its output. A step without a record
        runs again at the next build.

        :param done: the steps whose commands have succeeded.
        :raises BuildError: a command did not write its output, or did not report which files it
            read.
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
            return Stale(step, appeared[step.output], bypass_cache=True)
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
        """Return the entry of a finished step, and the missing files that its command tried."""
        outputs = [step.output, *step.extra_outputs]
        for name in outputs:
            if self._files.status(name) is None:
                raise BuildError(
                    f"{step.description}: the command succeeded, but it did not write {name}",
                    hint=f"check that {step.program[0]!r} is a compiler or starts one",
                )
        inputs, missing = self._declared(step)
        inputs.update(searches.named_files(step.arguments, self._root))
        date = ""
        if step.kind == "compile":
            read = self._read_files(step)
            found, absent = self._header_search(step, details).search(read)
            inputs.update(dict.fromkeys((*read, *sorted(found))))
            # An argument can contain __DATE__, for example the value of -D.
            words = "\n".join(searches.expanded(step.arguments, self._root))
            dated = [scan(words.encode(errors="surrogateescape"))]
            dated += [self._facts(name, details) for name in read]
            if any(found.timestamp for found in dated):
                date = "timestamp"
            elif any(found.date for found in dated):
                date = self._date()
        else:
            libraries, absent = searches.searched_libraries(
                step.arguments, self._library_path(step, details), self._root
            )
            inputs.update(libraries)
        stable = self._files.stable
        own = {*outputs, step.depfile, step.response_file}
        return _Entry(
            identity=self._identity(step),
            compiler=self._compiler(step),
            variables=self._variables,
            inputs=list(dict.fromkeys(stable(name) for name in inputs if name not in own)),
            outputs=outputs,
            date=date,
        ), set(map(stable, missing | absent))

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
            elif name in self._produced or self._before.get(self._files.stable(name)):
                inputs[name] = None
            else:  # The file did not exist when the commands started.
                missing.add(name)
        return inputs, missing

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
        """Return the text in which the compiler prints the folders that it searches.

        :param again: whether to ask the compiler even if the record contains an answer.
        """
        key = self._question(step)
        if again or key not in details.answers:
            details.answers[key] = searches.ask(step.question, self._root)
        return details.answers[key]

    def _question(self, step: Step) -> str:
        question = json.dumps([step.question, self._compiler(step), self._variables])
        return digest_of(question.encode())

    def _compiler(self, step: Step) -> str:
        """Return the compiler's version, and the digests of scripts in the compiler's command."""
        commands = (*step.launcher, *step.program)
        if commands not in self._scripts:
            scripts = filter(None, map(searches.script_of, commands))
            self._scripts[commands] = {s: self._files.digest(s) or "" for s in scripts}
        return "\n".join((step.version, *self._scripts[commands].values()))

    def _identity(self, step: Step) -> str:
        """Return a digest of the step's arguments and file names, without the compiler's path."""
        groups = (
            *((step.kind, step.response_file_content), step.program[1:], step.arguments),
            *(step.inputs, step.extra_inputs, step.extra_outputs),
        )
        text = "\0\0".join("\0".join(words) for words in groups)
        return digest_of(self._files.stable(text).encode(errors="surrogateescape"))

    def _date(self) -> str:
        return f"date {self._environment.get(_DATE)}"

    def _exists(self, name: str) -> bool:
        return os.path.isfile(self._files.path(name))

    def _has_existed(self, name: str) -> bool:
        """Whether a file exists now and existed when the commands started."""
        if name not in self._existed:
            path = self._files.path(name)
            try:
                times = os.stat(path).st_ctime_ns, os.lstat(path).st_ctime_ns
                self._existed[name] = os.path.isfile(path) and not any(map(self._is_recent, times))
            except OSError:
                self._existed[name] = False
        return self._existed[name]

    def _is_unchanged(self, name: str) -> bool:
        """Whether a file has not changed since the commands started."""
        if name not in self._unchanged:
            self._unchanged[name] = self._is_same(name)
        return self._unchanged[name]

    def _is_same(self, name: str) -> bool:
        # Compute the digest first. If the file changes later, the record has the old digest.
        self._files.digest(name)
        now = status_of(self._files.path(name))
        if name in self._before:
            return now == self._before[name]
        if now is None:
            return False
        link = os.lstat(self._files.path(name))
        return not self._is_recent(changed_at(now)) and not self._is_recent(link.st_mtime_ns)

    def _is_recent(self, changed: int) -> bool:
        """Whether a file with the time `changed` was changed after the start of the commands.

        The result is false if the time is in the future. In that case, a program has set the time,
        or a clock ran fast.
        """
        return self._started < changed <= self._clock() + 1_000_000_000

    def _appeared(self) -> dict[str, str]:
        """Return the reason for each step whose compiler or linker could now find another file.

        The key is the output of the step.
        """
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
                # The details belong to another record. The missing files are therefore unknown, and
                # every step must run.
                self._entries, record = {}, {}
            try:
                self._loaded = _details_of(record)
            except (AttributeError, LookupError, TypeError, ValueError):
                # The file has no valid details.
                self._entries, self._loaded = {}, _Details()
        return self._loaded

    def _refresh(self) -> None:
        """Record the new status of each file whose content has not changed."""
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
        # If a file was deleted after its step ran, record an empty digest. No existing file has
        # this digest, so the step runs again at the next build.
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
        # Write the details first, then the record. If this process is killed in between, the next
        # build detects it, because the identifiers in the files differ.
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

    def _clock(self) -> int:
        """Return the file system's current time. It may differ from the time of this machine."""
        for path in (self._folder / _RECORD, self._folder):
            try:
                os.utime(path)
            except OSError:  # The file or folder does not exist.
                continue
            status = status_of(str(path))
            if status is not None:
                return changed_at(status)
        return time.time_ns()

    def _trusted(self, name: str) -> Status | None:
        """Return the status of a file, or ``None`` if the recorded digest may be outdated."""
        status = self._files.status(name)
        if status is None or name in self._produced:
            return status
        if not may_have_changed_since(status, self._opened):
            return status
        # The file may have been written while this process read it. Wait until a new write would
        # change the file's times, see `may_change_unseen`. Then read the file again.
        if may_change_unseen(status, self._clock()):
            return None
        try:
            digest = digest_of(Path(self._files.path(name)))
        except OSError:
            return None
        return status if digest == self._files.digest(name) else None

    def _watch_folders(self, missing: Mapping[str, Iterable[str]]) -> dict[str, Status | None]:
        """Return the statuses of the folders where missing files would be created.

        If a missing file is a symbolic link to a missing target, the result includes the folder of
        the link and the folder of the target.

        If a missing file exists now, the status of its folder is ``None``. The next build then
        examines the folder.
        """
        folders: dict[str, list[str]] = {}
        parents: dict[str, set[str]] = {}
        for name in dict.fromkeys(name for names in missing.values() for name in names):
            parent = os.path.dirname(name)
            if parent not in parents:
                parents[parent] = {self._existing_folder(name)}
                if not os.path.isdir(self._files.path(parent)):
                    parents[parent].add(self._existing_folder(self._target(f"{parent}/*")))
            found = parents[parent]
            if os.path.islink(self._files.path(name)):
                found = {*found, self._existing_folder(self._target(name))}
            for folder in found:
                folders.setdefault(folder, []).append(name)
        return {folder: self._folder_status(folder, names) for folder, names in folders.items()}

    def _target(self, name: str) -> str:
        """Return the name of a file after all symbolic links in its path are resolved."""
        return self._files.stable(os.path.realpath(self._files.path(name)))

    def _folder_status(self, folder: str, missing: Iterable[str]) -> Status | None:
        now = self._clock()
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
    """Return the ranges that contain the numbers: the start and the exclusive end of each range.

    The sources of a project read mostly the same headers. A few ranges are therefore shorter than
    the list of all numbers.

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
    """Yield the numbers that ranges contain. This function reverses `_ranges`."""
    return itertools.chain.from_iterable(map(range, ranges[::2], ranges[1::2]))


def _status(value: Sequence[int] | None) -> Status | None:
    return None if value is None else (value[0], value[1], value[2], value[3])


def _details_of(record: Mapping[str, Any]) -> _Details:
    paths = record.get("paths", [])
    return _Details(
        {o: [paths[n] for n in numbers] for o, numbers in record.get("missing", {}).items()},
        {digest: _facts_of(facts) for digest, facts in record.get("facts", {}).items()},
        dict(record.get("answers", {})),
    )


def _facts_of(value: Mapping[str, Any]) -> SourceFacts:
    names = tuple(HeaderName(**name) for name in value["names"])
    return SourceFacts(**{**value, "names": names, "data": tuple(value["data"])})
