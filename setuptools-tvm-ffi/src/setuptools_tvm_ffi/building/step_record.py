# SPDX-License-Identifier: Apache-2.0
"""Reads and writes the record of a build folder: what each step read and wrote in its last run."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..base.file_replacement import replace_file
from ..base.json_file import read_object
from ..project.source_scan import HeaderName, SourceFacts
from .file_states import Status

_DETAILS = "step-details.json"
_FORMAT = 3


class StepCommand(NamedTuple):
    """Describes the last run of a step: all that affected the result, except the files.

    :param identity: a digest of the arguments and of the file names.
    :param compiler: the compiler's version, and the digests of scripts in its command.
    :param variables: the environment variables that compilers read.
    :param date: how the result depends on the date: ``timestamp`` if a source contains
        ``__TIMESTAMP__``; ``date`` and the value of SOURCE_DATE_EPOCH if a source contains
        ``__DATE__`` or ``__TIME__``; otherwise empty.
    """

    identity: str
    compiler: str
    variables: Mapping[str, str]
    date: str = ""


@dataclass
class Details:
    """The part of the record that is needed only if a step runs or a searched folder has changed.

    :param missing: the paths at which the compiler or linker of a step looked and found no file.
        The key is the output of the step. The step must run again if a file with such a path
        appears. A path that ends with ``/*`` means any file in the folder.
    :param facts: the `SourceFacts` of each source or header. The key is the digest of the file.
    :param answers: the folders that a compiler printed. The key is the digest of the command that
        printed them.
    """

    missing: dict[str, list[str]] = field(default_factory=dict)
    facts: dict[str, SourceFacts] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)


class StepRecord:
    """The record of the steps of one build folder. It is empty if its file is missing or corrupt.

    :param folder: the absolute path of the folder that contains objects and libraries.
    :ivar path: the file that contains the record. Another file contains the `Details`.
    :ivar files: the digest and the status of each file that a step read or wrote. The digest of a
        file that was deleted after its step ran is empty.
    :ivar folders: the status of each folder in which a step looked for a file that did not exist.
    :ivar commands: the command of each step. The key is the output of the step.
    """

    def __init__(self, folder: Path) -> None:
        self.path, self._folder = folder / "steps.json", folder
        self._details: Details | None = None
        try:
            self._load(read_object(self.path))
        except (AttributeError, LookupError, TypeError, ValueError):  # The record is corrupt.
            self._load({})

    def _load(self, record: Mapping[str, Any]) -> None:
        if record.get("format") != _FORMAT:
            record = {}
        self._id: str = record.get("id", "")
        self.files: dict[str, tuple[str, Status | None]] = {
            name: (digest, _status(status))
            for name, (digest, status) in record.get("files", {}).items()
        }
        self.folders = {name: _status(value) for name, value in record.get("folders", {}).items()}
        steps = record.get("steps", {})
        self._ranges: dict[str, list[int]] = {o: step.pop("files") for o, step in steps.items()}
        self.commands = {output: StepCommand(**step) for output, step in steps.items()}

    @property
    def details(self) -> Details:
        """The details of the record. If they are missing or corrupt, the record becomes empty."""
        if self._details is None:
            content = read_object(self._folder / _DETAILS)
            try:
                self._details = _details(content)
            except (AttributeError, LookupError, TypeError, ValueError):
                content, self._details = {}, Details()
            if content.get("id") != self._id:  # The details belong to another record.
                self.commands = {}
        return self._details

    def files_of(self, output: str) -> list[str]:
        """Return the files that a step read and wrote.

        :param output: the output of the step.
        """
        names = list(self.files)
        return [names[number] for number in _numbers(self._ranges[output])]

    def replace(
        self,
        commands: Mapping[str, StepCommand],
        files_of: Mapping[str, Iterable[str]],
        files: Mapping[str, tuple[str, Status | None]],
        folders: Mapping[str, Status | None],
    ) -> None:
        """Replace the commands, files and folders. Then write the record and the details.

        :param files_of: the files of each step, see `StepRecord.files_of`.
        """
        number = {name: position for position, name in enumerate(files)}
        self._ranges = {o: _ranges(number[name] for name in n) for o, n in files_of.items()}
        self.commands = dict(commands)
        self._id = secrets.token_hex(8)
        # Write the details first, then the record. If this process is killed in between, the two
        # files contain different identifiers. When a later build reads the details, it
        # compares the identifiers.
        self._write_details({digest for digest, _ in files.values()})
        self.write_statuses(files, folders)

    def write_statuses(
        self,
        files: Mapping[str, tuple[str, Status | None]],
        folders: Mapping[str, Status | None],
    ) -> None:
        """Replace the files and folders, then write the record without the details."""
        self.files, self.folders = dict(files), dict(folders)
        steps = {o: {**c._asdict(), "files": self._ranges[o]} for o, c in self.commands.items()}
        record = {
            "format": _FORMAT,
            "id": self._id,
            "files": self.files,
            "folders": self.folders,
            "steps": steps,
        }
        replace_file(self.path, json.dumps(record).encode())

    def _write_details(self, used: Iterable[str]) -> None:
        details = self.details
        paths = dict.fromkeys(itertools.chain.from_iterable(details.missing.values()))
        number = {name: position for position, name in enumerate(paths)}
        content = {
            "id": self._id,
            "paths": list(paths),
            "missing": {o: [number[name] for name in n] for o, n in details.missing.items()},
            "facts": {
                digest: {**vars(facts), "names": [vars(name) for name in facts.names]}
                for digest, facts in details.facts.items()
                if digest in used
            },
            "answers": details.answers,
        }
        replace_file(self._folder / _DETAILS, json.dumps(content).encode())


def _ranges(numbers: Iterable[int]) -> list[int]:
    """Return the ranges that contain the numbers: the start and the exclusive end of each range.

    In the record, each file has a number. Most sources of a project include the same headers. The
    numbers of these headers are mostly consecutive, so the list of ranges is shorter than the list
    of numbers.

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


def _details(record: Mapping[str, Any]) -> Details:
    paths = record.get("paths", [])
    return Details(
        {o: [paths[n] for n in numbers] for o, numbers in record.get("missing", {}).items()},
        {digest: _facts(facts) for digest, facts in record.get("facts", {}).items()},
        dict(record.get("answers", {})),
    )


def _facts(value: Mapping[str, Any]) -> SourceFacts:
    names = tuple(HeaderName(**name) for name in value["names"])
    texts = {key: tuple(value[key]) for key in ("macros", "data")}
    return SourceFacts(**{**value, "names": names, **texts})
