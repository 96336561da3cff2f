# SPDX-License-Identifier: Apache-2.0
"""Implements the setting `platform-tag`: chooses or checks the platform tag of a wheel."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from ..base.errors import PREFIX, BuildError
from ..base.text import first_few
from ..cross.targets import target_of_tag

DEFAULT = "default"
AUTO = "auto"

_SHOWN = 10
_MACHINE = re.compile(r"(?:linux|win|(?:manylinux|musllinux|macosx)_\d+_\d+)_(\w+)")
_WITHOUT_MACHINE = re.compile(r"(?:(?:manylinux|musllinux|macosx)_\d+_\d+|manylinux(?:1|20\d\d))")

logger = logging.getLogger(__name__)


def with_machine(wanted: str, platform: str) -> str:
    """Return the tag `wanted`. If `wanted` omits the machine, append the machine of `platform`.

    >>> with_machine("manylinux_2_28", "linux_aarch64"), with_machine("win_amd64", "win_arm64")
    ('manylinux_2_28_aarch64', 'win_amd64')
    """
    machine = _MACHINE.fullmatch(platform)
    if machine is None or _WITHOUT_MACHINE.fullmatch(wanted) is None:
        return wanted
    return f"{wanted}_{machine[1]}"


def platform_tag(folder: Path, wanted: str, default: str, *, place: str) -> str:
    """Return the platform tag of a wheel that contains the libraries in a folder.

    If `wanted` is `auto`, the result is the lowest tag that the libraries satisfy: the tag with the
    oldest system version. If the libraries satisfy no manylinux or musllinux tag, the result is a
    tag such as ``linux_x86_64``, and the function logs a warning. This is not an error, because the
    wheel works on this machine.

    :param folder: a folder with the contents of the wheel.
    :param wanted: `auto`, or the required tag, such as ``musllinux_1_2``. The tag may omit the
        machine.
    :param default: the tag that setuptools chooses. If `wanted` omits the machine, the result
        contains the machine in `default`.
    :param place: where the setting is declared, for messages.
    :raises BuildError: the libraries do not satisfy the required tag, a library cannot be read, or
        LIEF or auditwheel is not installed.
    """
    # Import these modules only here, because they need LIEF and auditwheel, which are optional
    # dependencies of the plugin.
    from ..binaries.binary import BinaryReader  # noqa: PLC0415
    from ..binaries.platform_tags import problems_for, satisfied_tag  # noqa: PLC0415

    with BinaryReader() as reader:
        binaries = reader.read_all(_binaries(folder), place)
    satisfied = satisfied_tag(binaries)
    if wanted != AUTO:
        tag = with_machine(wanted, default)
        problems = problems_for(binaries, tag)
        if problems:
            hint = (
                f"the lowest tag that they satisfy is '{satisfied}': use it, or build in an older "
                "environment, such as an image of pypa/manylinux"
            )
            if _kind(tag) not in {None, _kind(satisfied)}:
                target = target_of_tag(tag)
                named = "" if target is None else f": -C target={target}, without platform-tag"
                hint = (
                    "a platform tag does not change the platform that the build compiles for; to "
                    f"build for another platform, use the setting 'target'{named}"
                )
            raise BuildError(
                f"{place}: the libraries do not satisfy '{tag}':\n{_indented(problems)}", hint=hint
            )
        return tag
    if satisfied.startswith("linux_"):
        # Find the libraries that a wheel with a manylinux tag must not depend on. The tag
        # manylinux_999_0 stands for a future glibc, which provides every symbol version. With this
        # tag, `problems` therefore contains no symbol versions.
        problems = problems_for(binaries, with_machine("manylinux_999_0", satisfied))
        what = f":\n{_indented(problems)}" if problems else ""
        logger.warning(
            "%s: warning: %s: the libraries satisfy no manylinux tag, and PyPI rejects '%s'%s",
            *(PREFIX, place, satisfied, what),
        )
        if problems:
            logger.warning("%s: hint: run '%s repair' to bundle the libraries", PREFIX, PREFIX)
    return satisfied


def _kind(tag: str) -> tuple[str, str] | None:
    """Return the system and the machine of a platform tag, or ``None`` for an unknown system.

    >>> _kind("manylinux_2_28_x86_64"), _kind("linux_x86_64"), _kind("manylinux2014_aarch64")
    (('linux', 'x86_64'), ('linux', 'x86_64'), ('linux', 'aarch64'))
    >>> _kind("musllinux_1_2_x86_64"), _kind("win_arm64"), _kind("win32"), _kind("solaris_11_x86")
    (('musllinux', 'x86_64'), ('win', 'arm64'), ('win', '32'), None)
    """
    match = re.fullmatch(
        r"(?:many)?(linux|musllinux|macosx|win)(?:1|20\d\d)?(?:_\d+_\d+)?_?(\w+)", tag
    )
    return None if match is None else (match[1], match[2])


def _binaries(folder: Path) -> Iterator[tuple[str, bytes]]:
    from ..binaries.binary import is_binary  # noqa: PLC0415 - as above

    for path in sorted(folder.rglob("*")):
        if path.is_file():
            inside = path.relative_to(folder).as_posix()
            with path.open("rb") as stream:
                start = stream.read(8)
                if is_binary(inside, start):
                    yield inside, start + stream.read()


def _indented(problems: tuple[str, ...]) -> str:
    return "  " + first_few(problems, shown=_SHOWN, separator="\n  ")
