# SPDX-License-Identifier: Apache-2.0
"""Looks at the names of a wheel's files: whether the systems it is for can have them all.

https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator

from . import codes
from .codes import Finding

_DEVICE = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?: *\..*)?")
_NOT_ON_WINDOWS = re.compile(r'[<>"|?*]')
_LINUX = ("linux_", "manylinux", "musllinux")


def name_findings(paths: Collection[str], platforms: Iterable[str]) -> Iterator[Finding]:
    """Yield the files that one of the platforms of a wheel cannot have beside the others.

    :param paths: of all files in the wheel.
    """
    platforms = [platform for platform in platforms if not platform.startswith(_LINUX)]
    if any(not platform.startswith("macosx_") for platform in platforms):
        for path in paths:
            problem = _problem_on_windows(path)
            if problem is not None:
                yield Finding(codes.NAME_ELSEWHERE, path, problem)
    first: dict[str, str] = {}
    for path in paths if platforms else ():
        other = first.setdefault(_without_case(path), path)
        if other != path:
            yield Finding(codes.NAME_ELSEWHERE, path, f"{other} is the same file there")


def _problem_on_windows(path: str) -> str | None:
    for part in path.split("/"):
        if _DEVICE.fullmatch(part):
            return f"{part} is a device on Windows"
        if part.endswith((".", " ")):
            return "Windows leaves out what the name ends with"
        if _NOT_ON_WINDOWS.search(part):
            return "the name has a character that no file on Windows may have"
    return None


def _without_case(path: str) -> str:
    """Return what names have in common that Windows and macOS take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
