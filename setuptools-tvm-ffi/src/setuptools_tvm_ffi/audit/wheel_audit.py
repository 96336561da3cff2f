# SPDX-License-Identifier: Apache-2.0
"""Audit a wheel: read each file in it once, and collect facts and findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import Version

from ..archives.wheel_archive import WheelArchive, open_wheel
from ..archives.wheel_record import RecordFile
from ..base.errors import BuildError
from ..base.file_digest import digest_of
from ..binaries.binary import Binary, BinaryReader, Unreadable, is_binary
from ..binaries.library_names import is_library_name
from ..binaries.platform_tags import is_external_copy, satisfied_tag
from ..ffi.releases import DISTRIBUTION
from ..records import build_record
from . import codes
from .codes import Finding
from .library_checks import Surroundings, is_from_repair_tool, library_findings, surroundings
from .requirement_checks import declared_requirement, required_names, requirement_findings
from .stub_files import PromisedNames, promised_names
from .wheel_checks import (
    BuildFacts,
    build_record_findings,
    is_tvm_ffi_library,
    lowest_tag,
    needed_releases,
    read_build_record,
    searched_strings,
    stub_findings,
    tag_findings,
)

_LOADED = {"library", "executable"}
_NO_LIBRARIES = {"object": "an object file", "executable": "a program"}


@dataclass(frozen=True)
class LibraryReport:
    """Audit result of one architecture of a library in a wheel.

    :param satisfied_tag: lowest platform tag that the library satisfies, or ``None``.
    :param needed: each dependency and its source: ``wheel``, ``platform``, or ``None`` if the
        source is unknown.
    :param machine: the audited architecture, if the file contains several architectures; else
        empty.
    """

    binary: Binary
    satisfied_tag: str | None
    needed: tuple[tuple[str, str | None], ...]
    machine: str = ""


@dataclass(frozen=True)
class WheelReport:
    """Audit result of a wheel.

    :param claimed_tags: platform tags in the wheel's file name.
    :param satisfied_tag: lowest platform tag that the libraries satisfy, or ``None``.
    :param requirement: requirements for apache-tvm-ffi, as in ``METADATA``.
    :param symbols: for each needed symbol of libtvm_ffi, the first release with this symbol, or
        ``None`` if no known release has the symbol.
    :param record: facts from the build record.
    """

    path: Path
    claimed_tags: tuple[str, ...]
    satisfied_tag: str | None
    libraries: tuple[LibraryReport, ...]
    requirement: tuple[str, ...]
    symbols: Mapping[str, Version | None]
    record: BuildFacts | None
    findings: tuple[Finding, ...]


def audit_wheel(path: Path, reader: BinaryReader) -> WheelReport:
    """Audit a wheel without unpacking it or running its code.

    :raises BuildError: the file is not a wheel, is corrupt, or is unsafe to unpack; or a Python
        package that the audit needs is not installed.
    """
    with open_wheel(path) as wheel:
        contents = _Contents(wheel)
        stubs = contents.stubs()
        found = list(reader.read(contents.binaries(), searched_strings(stubs)))
        binaries = [b for b in found if isinstance(b, Binary) and b.kind in _LOADED]
        # The checks of `users` expect that the wheel depends on apache-tvm-ffi. The wheel of
        # apache-tvm-ffi does not depend on itself, so `users` is empty for this wheel.
        users = () if wheel.name == DISTRIBUTION else binaries
        bundled = [binary for binary in users if is_external_copy(binary.path)]
        tvm_ffi = [b for b in users if b not in bundled and is_tvm_ffi_library(b)]
        lowest, mixed = lowest_tag(binaries)
        requirements = declared_requirement(wheel.headers("METADATA"))
        record = read_build_record(wheel.in_dist_info(build_record.FILENAME))
        findings = [*contents.record_findings(), *mixed]
        findings += [
            Finding(codes.UNREADABLE, u.path, u.reason) for u in found if isinstance(u, Unreadable)
        ]
        findings += [
            Finding(
                codes.UNREADABLE,
                b.path,
                f"no operating system loads {_description(b)} as a library",
            )
            for b in found
            if isinstance(b, Binary) and b.kind != "library" and is_library_name(b.path)
        ]
        findings += [Finding(codes.BUNDLES_EXTERNAL, b.path, b.name or "") for b in bundled]
        around = surroundings(binaries, wheel.members, required_names(wheel.headers("METADATA")))
        count = Counter(binary.path for binary in binaries)
        machines = [b.machine if count[b.path] > 1 else "" for b in binaries]
        for binary, machine in zip(binaries, machines):
            if binary not in bundled:
                own = library_findings(binary, around, tags=wheel.tags)
                findings += (replace(finding, machine=machine) for finding in own)
        if binaries:
            findings += tag_findings(wheel.tags, wheel.headers("WHEEL"), binaries, lowest)
        if tvm_ffi:
            strings = frozenset(name for binary in binaries for name in binary.found)
            built = [binary for binary in tvm_ffi if not is_from_repair_tool(binary.path)]
            findings += stub_findings(built, frozenset(wheel.members), stubs, strings)
            findings += requirement_findings(requirements, tvm_ffi, record)
            digests = {binary.path: contents.digests[binary.path] for binary in built}
            findings += build_record_findings(record, digests)
        return WheelReport(
            path=path,
            claimed_tags=tuple(sorted({tag.platform for tag in wheel.tags})),
            satisfied_tag=lowest,
            libraries=tuple(
                _library_report(binary, binaries, around, machine)
                for binary, machine in zip(binaries, machines)
            ),
            requirement=tuple(map(str, requirements)),
            symbols=needed_releases(tvm_ffi),
            record=record,
            findings=tuple(sorted(findings, key=lambda f: (f.code.name, f.path))),
        )


def _description(binary: Binary) -> str:
    if binary.kind in _NO_LIBRARIES:
        return f"{_NO_LIBRARIES[binary.kind]} for {binary.machine}"
    name = {"elf": "an ELF file", "macho": "a Mach-O file", "pe": "a PE file"}[binary.format]
    return f"{name} of this type for {binary.machine}"


def _library_report(
    binary: Binary, binaries: Sequence[Binary], around: Surroundings, machine: str
) -> LibraryReport:
    try:
        tag = satisfied_tag([binary], binaries)
    except BuildError:
        tag = None
    needed = tuple((library, around.provider(library, binary)) for library in binary.needed)
    return LibraryReport(binary, tag, needed, machine)


class _Contents:
    """Reads each member of a wheel once, and compares the member with ``RECORD``.

    :ivar digests: the SHA-256 of each library and program that was read. The keys are the paths of
        these files in the wheel.
    """

    def __init__(self, wheel: WheelArchive) -> None:
        self._wheel = wheel
        self._found: list[Finding] = []
        self.digests: dict[str, str] = {}
        content = wheel.in_dist_info("RECORD")
        self._record = None if content is None else RecordFile(content, wheel.dist_info)

    def stubs(self) -> dict[str, PromisedNames]:
        """Map the path of each Python module to the names that the module and its stub declare.

        Modules without such names are left out.
        """
        stems = {path.removesuffix("i") for path in self._wheel.members if _is_module(path)}
        named = {}
        for path in sorted(stems):
            names = promised_names(self._read_if_there(path), self._read_if_there(f"{path}i"))
            if names != PromisedNames():
                named[path] = names
        return named

    def binaries(self) -> Iterator[tuple[str, bytes]]:
        """Yield the path and content of each library and program.

        The method reads all files except Python modules, and compares these files with ``RECORD``.
        """
        for path in self._wheel.members:
            if _is_module(path):
                continue
            content = self._read(path)
            if is_binary(path, content):
                self.digests[path] = digest_of(content)
                yield path, content
            del content  # Free the memory before the next member is read.

    def record_findings(self) -> Iterator[Finding]:
        """Yield the differences between the files and ``RECORD``.

        Call `stubs` and `binaries` first, because these methods read and compare the files.
        """
        record_path = f"{self._wheel.dist_info}/RECORD"
        if self._record is None:
            yield Finding(codes.RECORD_BROKEN, record_path, "the wheel has no RECORD")
            return
        for path, what in self._record.problems:
            yield Finding(codes.RECORD_BROKEN, path, f"RECORD {what}")
        yield from self._found
        for path in self._record.rows.keys() - self._wheel.members.keys():
            what = "RECORD lists this file, but the wheel does not contain it"
            yield Finding(codes.RECORD_MISSING_FILE, path, what)

    def _read_if_there(self, path: str) -> bytes | None:
        return self._read(path) if path in self._wheel.members else None

    def _read(self, path: str) -> bytes:
        content = self._wheel.read(path)
        problem = None if self._record is None else self._record.problem(path, content)
        if self._record is not None and problem is not None:
            row = self._record.rows.get(path)
            has_hash = row is not None and row.digest is not None
            code = codes.RECORD_DIFFERS if has_hash else codes.RECORD_UNLISTED
            self._found.append(Finding(code, path, f"RECORD {problem}"))
        return content


def _is_module(path: str) -> bool:
    return path.endswith((".py", ".pyi"))
