# SPDX-License-Identifier: Apache-2.0
"""Repairs wheels: what their libraries need comes into them, and their tag says where they run.

A tool of each system does that, see `tools`; around it, the wheel is looked at before anything
unpacks it, and what comes of it is written anew: see `packing`.
"""

from __future__ import annotations

import base64
import calendar
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..archives.wheel_archive import WheelArchive, open_wheel
from ..archives.wheel_record import RecordFile, RecordRow
from ..base.child_python import run_module
from ..base.errors import BuildError, harmless
from ..base.file_digest import digest_of
from ..base.file_replacement import new_file
from ..binaries.binary import BinaryReader
from ..records import build_record
from ..records.platform_tag import complete
from . import sboms
from .needs import needs
from .packing import Date, date_of, pack, with_tags
from .preloading import libraries_in, with_preloading
from .signatures import is_mach_o, sign_where_needed
from .tools import TOOLS, RepairTool, Request, search_path, system_of_wheel

__all__ = ["Repaired", "repair_wheel"]

_TRACEBACK = "Traceback (most recent call last):"


@dataclass(frozen=True)
class Repaired:
    """What came of a wheel.

    :ivar source: the wheel that was given, as it was.
    :ivar path: the one that was written.
    :ivar repaired_with: the tool and its release; ``None`` where the wheel was copied.
    :ivar added: members that the wheel did not have, as libraries from outside.
    :ivar changed: libraries, and other files of packages, that the tool has rewritten.
    """

    source: Path
    path: Path
    repaired_with: str | None
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def repair_wheel(
    wheel: Path,
    folder: Path,
    reader: BinaryReader,
    *,
    platform: str | None = None,
    exclude: Sequence[str] = (),
) -> Repaired:
    """Write a wheel that brings along what it needs into `folder`; return what came of it.

    Its Python and ABI tags are those of `wheel`, which stays as it is. With the same tools the same
    wheel gives the same bytes; `SOURCE_DATE_EPOCH` counts.

    :param reader: for wheels whose tool does not run here, or cannot judge them here.
    :param platform: the platform tag that is wanted; the best that holds by default.
    :param exclude: libraries that are not brought along, beside libtvm_ffi and drivers.
    :raises BuildError: it is no wheel for one of the three systems, its tool is not there or fails,
        or does something else than was asked for.
    """
    with open_wheel(wheel) as archive:
        system = system_of_wheel(wheel.name, archive.tags)
        tool = TOOLS[system]
        if platform is not None:
            platform = complete(platform, min(tag.platform for tag in archive.tags))
        if not tool.can_judge(archive.tags):
            lacking = list(needs(archive, reader))
            if platform is not None and all(tag.platform != platform for tag in archive.tags):
                lacking.append(f"its tag is not '{platform}'")
            return _as_it_is(wheel, folder, tool, lacking)
        release = tool.check_installed()
        date = _date(wheel)
        with tempfile.TemporaryDirectory(prefix="setuptools-tvm-ffi-") as scratch:
            made = _run(tool, wheel, Path(scratch), date, platform=platform, exclude=exclude)
            with open_wheel(made) as result:
                _check_tags(tool, archive, result, platform)
                target = folder / result.path.name
                _check_target(wheel, target)
                contents = _mended(archive, result, Path(scratch), system)
                before, after = _digests(archive), _digests(result)
                after |= {name: digest_of(content) for name, content in contents.items()}
                contents |= _metadata(result, before, after, release)
                with _written(target):
                    pack(result, contents, target, date)
    in_packages = {name for name in after if not name.startswith(f"{result.dist_info}/")}
    return Repaired(
        source=wheel,
        path=target,
        repaired_with=release,
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(n for n in in_packages & before.keys() if before[n] != after[n])),
    )


def _as_it_is(wheel: Path, folder: Path, tool: RepairTool, lacking: Sequence[str]) -> Repaired:
    """Copy a wheel that is in order.

    :raises BuildError: it is not, by what it lacks.
    """
    if lacking:
        raise BuildError(
            f"{wheel.name}: {tool.name} does not {'judge it' if tool.runs_here else 'run'} on this "
            "system, and the wheel needs it:\n" + "\n".join(f"  {what}" for what in lacking),
            hint="repair it where it was built, "
            + (
                "with the C library that it is for"
                if tool.runs_here
                else f"on {' or '.join(tool.hosts)}"
            ),
        )
    target = folder / wheel.name
    _check_target(wheel, target)
    with _written(target), wheel.open("rb") as source, new_file(target) as stream:
        shutil.copyfileobj(source, stream)
    return Repaired(source=wheel, path=target, repaired_with=None)


def _check_target(wheel: Path, target: Path) -> None:
    if target.exists() and target.samefile(wheel):
        raise BuildError(
            f"{wheel}: would be replaced by what comes of it",
            hint="name another folder with --wheel-dir",
        )


@contextlib.contextmanager
def _written(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise BuildError(f"{target} cannot be written: {problem.strerror or problem}") from None


def _date(wheel: Path) -> Date:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        return date_of(wheel, epoch)
    except (ValueError, OverflowError, OSError):
        raise BuildError(f"SOURCE_DATE_EPOCH={epoch!r}: no number of seconds since 1970") from None


def _run(
    tool: RepairTool,
    wheel: Path,
    scratch: Path,
    date: Date,
    *,
    platform: str | None,
    exclude: Sequence[str],
) -> Path:
    """Run a tool; return the wheel that it has written, or the one it found nothing to do about."""
    output, start = scratch / "output", scratch / "start"
    output.mkdir()
    start.mkdir()
    request = Request(Path(os.path.abspath(wheel)), output, platform, exclude)
    result = run_module(
        tool.module,
        tool.arguments(request),
        root=Path.cwd(),
        folder=start,
        variables={
            "PATH": search_path(),
            "SOURCE_DATE_EPOCH": str(calendar.timegm(date)),
            **tool.variables(request),
        },
    )
    if result.returncode != 0:
        raise BuildError(
            f"{wheel.name}: {tool.name} ended with {result.returncode}\n{told(result.stdout)}"
        )
    return next(output.glob("*.whl"), wheel)


def told(output: str) -> str:
    r"""Return what a Python program printed, of a traceback what it ends with.

    It may name what is in the wheel.

    >>> told("looking\nTraceback (most recent call last):\n  File …\n    f()\nValueError: no\n")
    'looking\nValueError: no'
    """
    before, traceback, after = output.partition(_TRACEBACK)
    ends = [line for line in after.splitlines() if traceback and line and not line[0].isspace()]
    return "\n".join(map(harmless, [*before.strip().splitlines(), *ends]))


def _check_tags(
    tool: RepairTool, archive: WheelArchive, result: WheelArchive, platform: str | None
) -> None:
    """Refuse what serves other Pythons than the wheel that was given, or another platform.

    :raises BuildError: by tag.
    """
    before = {f"{tag.interpreter}-{tag.abi}" for tag in archive.tags}
    after = {f"{tag.interpreter}-{tag.abi}" for tag in result.tags}
    if before != after:
        raise BuildError(
            f"{archive.path.name}: {tool.name} has made {', '.join(sorted(after))} of "
            f"{', '.join(sorted(before))}: {result.path.name}"
        )
    platforms = sorted({tag.platform for tag in result.tags})
    if platform is not None and platform not in platforms:
        raise BuildError(
            f"{archive.path.name}: {tool.name} says {', '.join(platforms)}, and {platform} was "
            "asked for",
            hint="leave out --plat, or build for that platform",
        )


def _digests(archive: WheelArchive) -> dict[str, str]:
    """Return what ``RECORD`` says of the members' SHA-256, hexadecimal; nothing where it errs."""
    content = archive.in_dist_info("RECORD")
    if content is None:
        raise BuildError(f"{archive.path.name}: it has no {archive.dist_info}/RECORD")
    rows = RecordFile(content, archive.dist_info).rows
    return {name: _hexadecimal(rows[name]) for name in archive.members if name in rows}


def _hexadecimal(row: RecordRow) -> str:
    if row.algorithm != "sha256" or row.digest is None:
        return ""
    with contextlib.suppress(ValueError):
        return base64.urlsafe_b64decode(f"{row.digest}==").hex()
    return ""


def _metadata(
    result: WheelArchive, before: Mapping[str, str], after: Mapping[str, str], release: str
) -> dict[str, bytes]:
    """Return the files of ``.dist-info`` that say something about the others.

    :param before: the SHA-256 of each file of the wheel that was given.
    :param after: the same of the one that is written.
    """
    wheel_file = result.in_dist_info("WHEEL")
    if wheel_file is None:
        raise BuildError(f"{result.path.name}: it has no {result.dist_info}/WHEEL")
    made = {f"{result.dist_info}/WHEEL": with_tags(wheel_file, result.tags)}
    name = f"{result.dist_info}/{build_record.FILENAME}"
    record = result.in_dist_info(build_record.FILENAME)
    if record is not None:
        try:
            made[name] = build_record.refreshed(record, after, repaired_with=release)
        except ValueError as problem:
            raise BuildError(f"{result.path.name}: {name} is no build record: {problem}") from None
    changed = {before[n]: after[n] for n in before.keys() & after.keys() if before[n] != after[n]}
    for name in result.members:
        if changed and name.startswith(f"{result.dist_info}/{sboms.FOLDER}/"):
            made[name] = sboms.refreshed(result.read(name), changed)
    return made


def _mended(
    archive: WheelArchive, result: WheelArchive, scratch: Path, system: str
) -> dict[str, bytes]:
    """Return the files in which a tool leaves something undone."""
    if system == "darwin":
        return _signed(result, scratch)
    libraries = libraries_in(result.members.keys() - archive.members.keys())
    if system != "windows" or not libraries:
        return {}
    modules = {name: result.read(name) for name in result.members if name.endswith(".py")}
    return with_preloading(modules, libraries)


def _signed(result: WheelArchive, scratch: Path) -> dict[str, bytes]:
    """Return the libraries that had to be signed."""
    signed = {}
    for name in result.members:
        if name.endswith((".dylib", ".so")):
            (file,) = result.extract([name], scratch / "signing")
            if is_mach_o(file) and sign_where_needed(file):
                signed[name] = file.read_bytes()
    return signed
