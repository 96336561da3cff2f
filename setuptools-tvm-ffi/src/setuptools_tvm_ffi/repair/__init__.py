# SPDX-License-Identifier: Apache-2.0
"""Repairs a wheel: bundles the libraries that the wheel needs, and sets its platform tag.

For each system, a repair tool does most of the work (see `tools`). `open_wheel` checks the original
wheel before the tool unpacks it. The wheel that the tool writes is packed again (see `packing`).
"""

from __future__ import annotations

import calendar
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import parse_wheel_filename

from ..archives.wheel_archive import WheelArchive, open_wheel
from ..base.child_python import run_module
from ..base.errors import BuildError, harmless
from ..base.file_digest import digest_of
from ..base.file_replacement import new_file
from ..binaries.binary import BinaryReader
from ..records import build_record
from ..records.platform_tag import with_machine
from . import sboms
from .needs import needs
from .packing import Date, date_of, repack, with_tags
from .preloading import libraries_in, with_preloading
from .signatures import sign_where_needed
from .tools import (
    TOOLS,
    RepairTool,
    Request,
    missing_library_hint,
    search_path,
    system_of_wheel,
)

__all__ = ["Repaired", "repair_wheel"]

_TRACEBACK = "Traceback (most recent call last):"


@dataclass(frozen=True)
class Repaired:
    """Result of a repair.

    :ivar source: the original wheel, which is unchanged.
    :ivar path: the new wheel.
    :ivar repaired_with: name and version of the repair tool; ``None`` if the wheel was copied.
    :ivar added: files that the original wheel does not contain, such as bundled libraries.
    :ivar changed: files outside of ``.dist-info`` whose contents the repair has changed.
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
    """Write a repaired copy of a wheel to `folder`.

    The Python and ABI tags do not change. The same wheel, tools and ``SOURCE_DATE_EPOCH`` give the
    same bytes.

    :param reader: reads the libraries if the repair tool cannot process the wheel on this system.
    :param platform: the required platform tag; by default the most compatible tag.
    :param exclude: libraries that the tool must not bundle, besides libtvm_ffi and drivers.
    :raises BuildError: the wheel is not for Linux, macOS or Windows; the wheel needs a tool that
        does not work on this system; or the tool is missing, fails, or writes a wheel with tags
        other than the required tags.
    """
    with open_wheel(wheel) as archive:
        system = system_of_wheel(wheel.name, archive.tags)
        tool = TOOLS[system]
        if platform is not None:
            platform = with_machine(platform, min(tag.platform for tag in archive.tags))
        if not tool.can_judge(archive.tags):
            lacking = list(needs(archive, reader))
            if platform is not None and all(tag.platform != platform for tag in archive.tags):
                lacking.append(f"its tag is not '{platform}'")
            return _copy(wheel, folder, tool, lacking)
        release = tool.check_installed()
        date = date_of(wheel, os.environ.get("SOURCE_DATE_EPOCH"))
        with tempfile.TemporaryDirectory(prefix="setuptools-tvm-ffi-") as scratch:
            made = _run(tool, wheel, Path(scratch), date, platform=platform, exclude=exclude)
            with open_wheel(made) as result:
                _check_tags(tool, archive, result, platform)
                target = folder / result.path.name
                _check_target(wheel, target)
                contents = _fixed(archive, result, Path(scratch), system)
                before, after = _digests(archive), _digests(result)
                after |= {name: digest_of(content) for name, content in contents.items()}
                contents |= _metadata(result, before, after, release)
                try:
                    repack(result, contents, target, date)
                except OSError as problem:
                    raise _cannot_write(target, problem) from None
    in_packages = {name for name in after if not name.startswith(f"{result.dist_info}/")}
    return Repaired(
        source=wheel,
        path=target,
        repaired_with=release,
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(n for n in in_packages & before.keys() if before[n] != after[n])),
    )


def _copy(wheel: Path, folder: Path, tool: RepairTool, lacking: Sequence[str]) -> Repaired:
    """Copy a wheel that needs no repair. Called if the repair tool does not work on this system.

    :param lacking: the problems that a repair would fix.
    :raises BuildError: `lacking` is not empty, or the copy cannot be written.
    """
    if lacking:
        where = "a system with the wheel's C library"
        if not tool.runs_here:
            where = " or ".join(tool.hosts)
        raise BuildError(
            f"{wheel.name} needs {tool.name}, which cannot "
            f"{'process the wheel' if tool.runs_here else 'run'} on this system:\n"
            + "\n".join(f"  {what}" for what in lacking),
            hint=f"repair the wheel on {where}, for example where it was built",
        )
    target = folder / wheel.name
    _check_target(wheel, target)
    try:
        with wheel.open("rb") as source, new_file(target) as stream:
            shutil.copyfileobj(source, stream)
    except OSError as problem:
        raise _cannot_write(target, problem) from None
    return Repaired(source=wheel, path=target, repaired_with=None)


def _check_target(wheel: Path, target: Path) -> None:
    if target.exists() and target.samefile(wheel):
        raise BuildError(
            f"{wheel}: the repaired wheel would replace the original",
            hint="choose another folder with --wheel-dir",
        )


def _cannot_write(target: Path, problem: OSError) -> BuildError:
    return BuildError(f"{target} cannot be written: {problem.strerror or problem}")


def _run(
    tool: RepairTool,
    wheel: Path,
    scratch: Path,
    date: Date,
    *,
    platform: str | None,
    exclude: Sequence[str],
) -> Path:
    """Run a tool. Return the wheel that the tool wrote, or the original if it wrote no wheel."""

    def run(name: str, platform: str | None) -> subprocess.CompletedProcess[str]:
        request = Request(Path(os.path.abspath(wheel)), scratch / name, platform, exclude)
        (scratch / name).mkdir()
        start = scratch / f"{name}-start"
        start.mkdir()
        return run_module(
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

    result = run("output", platform)
    if result.returncode != 0:
        hint = missing_library_hint(tool, without_traceback(result.stdout))
        if hint is None and (platform is not None or os.environ.get("AUDITWHEEL_PLAT")):
            # The hint names the lowest tag that a repaired wheel can satisfy. Run the tool again to
            # find this tag, because the tag also depends on the libraries that the tool bundles.
            lowest = run("lowest", tool.lowest)
            hint = missing_library_hint(tool, without_traceback(lowest.stdout))
            for made in (scratch / "lowest").glob("*.whl"):
                hint = (
                    f"the lowest tag that the wheel satisfies is '{_lowest_platform(made)}': use "
                    "this tag with --plat, or build in an older environment, such as an image of "
                    "pypa/manylinux"
                )
        raise BuildError(
            f"{wheel.name}: {tool.name} failed (exit status {result.returncode}):\n"
            f"{without_traceback(result.stdout)}",
            hint=hint,
        )
    return next((scratch / "output").glob("*.whl"), wheel)


def _lowest_platform(wheel: Path) -> str:
    """Return the wheel's platform tag with the lowest version.

    More machines accept this tag than any other tag of the wheel.
    """
    _, _, _, tags = parse_wheel_filename(wheel.name)
    return min(
        (tag.platform for tag in tags),
        key=lambda platform: [int(number) for number in re.findall(r"_(\d+)", platform)[:2]],
    )


def without_traceback(output: str) -> str:
    r"""Return the output of a Python program. Only the last lines of a traceback are kept.

    The output may contain names from the wheel, so control characters are escaped.

    >>> without_traceback("a\nTraceback (most recent call last):\n  File …\n    f()\nOSError: b\n")
    'a\nOSError: b'
    """
    before, traceback, after = output.partition(_TRACEBACK)
    ends = [line for line in after.splitlines() if traceback and line and not line[0].isspace()]
    return "\n".join(map(harmless, [*before.strip().splitlines(), *ends]))


def _check_tags(
    tool: RepairTool, archive: WheelArchive, result: WheelArchive, platform: str | None
) -> None:
    """Reject the tool's wheel if its Python or ABI tag has changed, or if it lacks `platform`."""
    before = {f"{tag.interpreter}-{tag.abi}" for tag in archive.tags}
    after = {f"{tag.interpreter}-{tag.abi}" for tag in result.tags}
    if before != after:
        raise BuildError(
            f"{archive.path.name}: {tool.name} changed the tags {', '.join(sorted(before))} to "
            f"{', '.join(sorted(after))}: {result.path.name}"
        )
    platforms = sorted({tag.platform for tag in result.tags})
    if platform is not None and platform not in platforms:
        raise BuildError(
            f"{archive.path.name}: {tool.name} chose {', '.join(platforms)} instead of {platform}",
            hint=f"the lowest tag that the wheel satisfies is '{platforms[0]}': use this tag with "
            f"--plat, omit --plat, or build the wheel for {platform}",
        )


def _digests(archive: WheelArchive) -> dict[str, str]:
    record = f"{archive.dist_info}/RECORD"
    return {name: digest_of(archive.read(name)) for name in archive.members if name != record}


def _metadata(
    result: WheelArchive, before: Mapping[str, str], after: Mapping[str, str], release: str
) -> dict[str, bytes]:
    """Return the updated ``WHEEL``, build record and SBOMs.

    :param before: the SHA-256 of each file of the original wheel.
    :param after: the SHA-256 of each file of the new wheel.
    """
    wheel_file = f"{result.dist_info}/WHEEL"
    made = {wheel_file: with_tags(result.read(wheel_file), result.tags)}
    name = f"{result.dist_info}/{build_record.FILENAME}"
    record = result.in_dist_info(build_record.FILENAME)
    if record is not None:
        try:
            made[name] = build_record.refreshed(record, after, repaired_with=release)
        except ValueError as problem:
            raise BuildError(f"{result.path.name}: {name} is invalid: {problem}") from None
    changed = {before[n]: after[n] for n in before.keys() & after.keys() if before[n] != after[n]}
    for name in result.members:
        if changed and name.startswith(f"{result.dist_info}/{sboms.FOLDER}/"):
            made[name] = sboms.with_new_digests(result.read(name), changed)
    return made


def _fixed(
    archive: WheelArchive, result: WheelArchive, scratch: Path, system: str
) -> dict[str, bytes]:
    """Return the new content of each file that must change after the tool has run.

    On macOS, libraries without a valid signature are signed. On Windows, packages get code that
    loads the bundled libraries.
    """
    if system == "darwin":
        return _signed(result, scratch)
    libraries = libraries_in(result.members.keys() - archive.members.keys())
    if system != "windows" or not libraries:
        return {}
    modules = {name: result.read(name) for name in result.members if name.endswith(".py")}
    return with_preloading(modules, libraries)


def _signed(result: WheelArchive, scratch: Path) -> dict[str, bytes]:
    signed = {}
    for name in result.members:
        if name.endswith((".dylib", ".so")):
            (file,) = result.extract([name], scratch / "signing")
            if sign_where_needed(file):
                signed[name] = file.read_bytes()
    return signed
