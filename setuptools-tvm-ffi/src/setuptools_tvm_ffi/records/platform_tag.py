# SPDX-License-Identifier: Apache-2.0
"""The setting `platform-tag`: which platform tag a wheel gets for the libraries that are in it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..base.errors import PREFIX, BuildError
from ..base.text import first_few

DEFAULT = "default"
AUTO = "auto"

# Names of libraries come from the machine that builds: enough of them to see what is wrong.
_SHOWN = 10
_MACHINE = re.compile(r"(?:linux|win|(?:manylinux|musllinux|macosx)_\d+_\d+)_(\w+)")
_WITHOUT_MACHINE = re.compile(r"(?:(?:manylinux|musllinux|macosx)_\d+_\d+|manylinux(?:1|20\d\d))")

logger = logging.getLogger(__name__)


def complete(wanted: str, platform: str) -> str:
    """Return a tag with the machine of another one, unless it has a machine.

    >>> complete("manylinux_2_28", "linux_aarch64"), complete("win_amd64", "win_arm64")
    ('manylinux_2_28_aarch64', 'win_amd64')
    """
    machine = _MACHINE.fullmatch(platform)
    if machine is None or _WITHOUT_MACHINE.fullmatch(wanted) is None:
        return wanted
    return f"{wanted}_{machine[1]}"


def platform_tag(folder: Path, wanted: str, default: str, *, place: str) -> str:
    """Return the platform tag of a wheel with the libraries in a folder.

    `auto` is the lowest tag that they satisfy. Where that is one that says nothing but the machine
    (``linux_x86_64``), since a library needs what most machines do not have, the build goes on with
    a warning: such a wheel is still right for the machine that it was built on.

    :param folder: what is packed.
    :param wanted: `auto`, or the tag that has to hold, with or without its machine (PEP 600,
        PEP 656).
    :param default: the tag that is right for the machine that is built for.
    :param place: where the setting is declared, for messages.
    :raises BuildError: the tag that is asked for does not hold, by symbol version and library;
        a library cannot be read, or what reads them is not installed.
    """
    # What it needs is not installed with the plugin.
    from ..binaries.binary import BinaryReader, Unreadable  # noqa: PLC0415
    from ..binaries.platform_tags import problems_for, satisfied_tag  # noqa: PLC0415

    with BinaryReader() as reader:
        read = list(reader.read(_binaries(folder)))
    binaries = []
    for binary in read:
        if isinstance(binary, Unreadable):
            raise BuildError(
                f"{place}: {binary.path}: {binary.reason}",
                hint=f"leave the setting at '{DEFAULT}', or the file out of the wheel",
            )
        binaries.append(binary)
    satisfied = satisfied_tag(binaries)
    if wanted != AUTO:
        tag = complete(wanted, default)
        problems = problems_for(binaries, tag)
        if problems:
            raise BuildError(
                f"{place}: the wheel cannot be for '{tag}':\n{_indented(problems)}",
                hint=f"the lowest tag that holds is '{satisfied}': ask for that, or build where "
                "the libraries are as old as the tag, as in the images of pypa/manylinux",
            )
        return tag
    if satisfied.startswith("linux_"):
        # A newer one than there is allows whatever any does, but for libraries.
        problems = problems_for(binaries, complete("manylinux_999_0", satisfied))
        logger.warning(
            "%s: warning: %s: no manylinux tag holds, and PyPI does not take '%s'%s",
            PREFIX,
            place,
            satisfied,
            f":\n{_indented(problems)}\n'{PREFIX} repair' brings libraries along"
            if problems
            else "",
        )
    return satisfied


def _binaries(folder: Path) -> Iterator[tuple[str, bytes]]:
    from ..binaries.binary import is_binary  # noqa: PLC0415 - as above

    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(parent, name)
            inside = path.relative_to(folder).as_posix()
            with path.open("rb") as stream:
                start = stream.read(8)
                if is_binary(inside, start):
                    yield inside, start + stream.read()


def _indented(problems: tuple[str, ...]) -> str:
    return "  " + first_few(problems, shown=_SHOWN, separator="\n  ")
