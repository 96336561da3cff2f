# SPDX-License-Identifier: Apache-2.0
"""Audits a wheel: reads it once, and gathers what the checks find and the facts they went by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from .. import build_record
from ..abi_floor import DISTRIBUTION
from ..wheel_archive import WheelArchive, open_wheel
from ..wheel_record import Record
from . import codes
from .binaries import Binary, BinaryReader, Unreadable, is_binary
from .codes import Finding
from .library_checks import library_findings, surroundings
from .platform_tags import is_external_copy
from .stub_files import StubNames, stub_names
from .wheel_checks import (
    BuildFacts,
    build_record_findings,
    declared_requirement,
    is_tvm_ffi_library,
    looked_for,
    lowest_tag,
    needed_releases,
    read_build_record,
    requirement_findings,
    stub_findings,
    tag_findings,
)

_LOADED = {"library", "executable"}


@dataclass(frozen=True)
class WheelReport:
    """What an audit says of a wheel.

    :param claimed_tags: the platform tags of its name.
    :param satisfied_tag: the lowest that its libraries satisfy, ``None`` where none fits them.
    :param libraries: what each library says of itself.
    :param requirement: for apache-tvm-ffi, as in ``METADATA``.
    :param symbols: of libtvm_ffi that are needed, with the first release that has each; ``None``
        for one that no known release has.
    :param record: what its build record says.
    """

    path: Path
    claimed_tags: tuple[str, ...]
    satisfied_tag: str | None
    libraries: tuple[Binary, ...]
    requirement: tuple[str, ...]
    symbols: Mapping[str, Version | None]
    record: BuildFacts | None
    findings: tuple[Finding, ...]


@dataclass
class _Contents:
    """What one pass over the members leaves."""

    binaries: dict[str, bytes]
    modules: dict[str, bytes]
    findings: list[Finding]


def audit_wheel(path: Path, reader: BinaryReader) -> WheelReport:
    """Audit a wheel; nothing is unpacked, and nothing of it is run.

    :raises BuildError: it is no wheel, damaged, or made to harm; or a reader is not installed.
    """
    with open_wheel(path) as wheel:
        contents = _read(wheel)
        stubs = _stubs(contents.modules)
        found = list(reader.read(contents.binaries.items(), looked_for(stubs)))
        binaries = [b for b in found if isinstance(b, Binary) and b.kind in _LOADED]
        # What upstream's own wheel holds belongs there.
        users = () if wheel.name == DISTRIBUTION else binaries
        bundled = [binary for binary in users if is_external_copy(binary.path)]
        tvm_ffi = [b for b in users if b not in bundled and is_tvm_ffi_library(b)]
        lowest, mixed = lowest_tag(binaries)
        requirements = declared_requirement(wheel.metadata())
        record = read_build_record(wheel.in_dist_info(build_record.FILENAME))
        findings = [*contents.findings, *mixed]
        findings += [
            Finding(codes.UNREADABLE, u.path, u.reason) for u in found if isinstance(u, Unreadable)
        ]
        findings += [Finding(codes.BUNDLES_EXTERNAL, b.path, b.name or "") for b in bundled]
        around = surroundings(binaries, wheel.members)
        for binary in binaries:
            if binary not in bundled:
                findings += library_findings(binary, around)
        if binaries:
            findings += tag_findings(wheel.tags, wheel.wheel_file(), binaries, lowest)
        if tvm_ffi:
            strings = frozenset(name for binary in binaries for name in binary.found)
            findings += stub_findings(tvm_ffi, frozenset(wheel.members), stubs, strings)
            findings += requirement_findings(requirements, tvm_ffi, record)
            digests = {b.path: build_record.digest(contents.binaries[b.path]) for b in tvm_ffi}
            findings += build_record_findings(record, digests)
        return WheelReport(
            path=path,
            claimed_tags=tuple(sorted({tag.platform for tag in wheel.tags})),
            satisfied_tag=lowest,
            libraries=tuple(binaries),
            requirement=tuple(map(str, requirements)),
            symbols=needed_releases(tvm_ffi),
            record=record,
            findings=tuple(sorted(findings, key=lambda f: (f.code.name, f.path))),
        )


def _read(wheel: WheelArchive) -> _Contents:
    """Read every member once: compare it with ``RECORD``, keep what is looked at later."""
    contents = _Contents({}, {}, [])
    raw = wheel.in_dist_info("RECORD")
    record_path = f"{wheel.dist_info}/RECORD"
    if raw is None:
        contents.findings.append(Finding(codes.RECORD_BROKEN, record_path, "it is not there"))
    record = Record(raw or b"", wheel.dist_info)
    for path, what in record.problems:
        contents.findings.append(Finding(codes.RECORD_BROKEN, path, f"RECORD {what}"))
    for path in wheel.members:
        content = wheel.read(path)
        if is_binary(path, content):
            contents.binaries[path] = content
        elif path.endswith((".py", ".pyi")):
            contents.modules[path] = content
        problem = record.problem(path, content) if raw is not None else None
        if problem is not None:
            differs = path in record.rows and record.rows[path].digest is not None
            code = codes.RECORD_DIFFERS if differs else codes.RECORD_UNLISTED
            contents.findings.append(Finding(code, path, f"RECORD {problem}"))
    for path in sorted(record.missing(wheel.members)):
        contents.findings.append(Finding(codes.RECORD_MISSING_FILE, path, "RECORD lists it"))
    return contents


def _stubs(modules: Mapping[str, bytes]) -> dict[str, StubNames]:
    paths = sorted({path.removesuffix("i") for path in modules})
    named = {path: stub_names(modules.get(path), modules.get(f"{path}i")) for path in paths}
    return {path: names for path, names in named.items() if names != StubNames()}
