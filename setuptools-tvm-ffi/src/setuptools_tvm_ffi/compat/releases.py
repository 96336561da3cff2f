# SPDX-License-Identifier: Apache-2.0
"""Which releases of apache-tvm-ffi there are for this Python, and which of them are to be tried.

pip is asked, which knows the user's indexes, certificates and passwords. It has no command that
lists withdrawn (yanked, PEP 592) releases: `pip index versions` leaves them out, and only the
error for a version that nobody can have counts them up.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from ..base.child_python import has_pip
from ..base.errors import BuildError
from ..ffi.releases import DISTRIBUTION, WITHDRAWN
from .environment import for_installers
from .index import Index

# pip up to 25.0 has no --json here; the line is the same in 23.1 and 26.3.
_AVAILABLE = re.compile(r"^Available versions: (.*)$", re.MULTILINE)
# pip 23.1 names withdrawn releases among the others, 26.3 in a line of their own.
_FROM_VERSIONS = re.compile(r"\(from versions: ([^)]*)\)")
_YANKED = re.compile(r"^.*Ignored the following yanked versions: (.*)$", re.MULTILINE)

_NO_VERSION = f"{DISTRIBUTION}==0+none"


@dataclass(frozen=True)
class Release:
    """A release of apache-tvm-ffi.

    :param withdrawn: whether it is installed only where exactly it is asked for.
    """

    version: Version
    withdrawn: bool = False


def list_releases(index: Index, scratch: Path) -> tuple[Release, ...]:
    """Return the releases that have a wheel for this Python, the oldest first.

    :param scratch: a folder without any files, where pip runs.
    :raises BuildError: there is no pip, or pip finds none; with what it says.
    """
    pip = pip_command()
    common = ["--disable-pip-version-check", "--no-input", "--only-binary=:all:", *index.options]
    listing = _start([*pip, "index", "versions", "--pre", *common, DISTRIBUTION], scratch)
    with_withdrawn = _start([*pip, "download", "--no-deps", *common, _NO_VERSION], scratch)
    try:
        listed, problem = listing.communicate()
        _, error = with_withdrawn.communicate()
    finally:
        for process in (listing, with_withdrawn):
            process.kill()
            process.wait()
    releases = parse_releases(listed, error)
    if not releases:
        said = [line for line in problem.splitlines() if line.startswith("ERROR")]
        raise BuildError(
            f"pip finds no release of {DISTRIBUTION} for this Python"
            + "".join(f"\n{line}" for line in said[:3]),
            hint="is there a network? --find-links and --no-index do without one",
        )
    return releases


def parse_releases(listed: str, error: str) -> tuple[Release, ...]:
    """Return the releases out of what pip prints.

    :param listed: the output of ``pip index versions``.
    :param error: what it says of a version that does not exist.
    """
    available = _versions(_AVAILABLE, listed)
    every = available | _versions(_FROM_VERSIONS, error) | _versions(_YANKED, error)
    return tuple(
        # An index of one's own, or a folder, may offer what was withdrawn upstream.
        Release(version, version not in available or version in WITHDRAWN)
        for version in sorted(every)
    )


def choose_releases(releases: Sequence[Release], against: Sequence[str]) -> tuple[Release, ...]:
    """Return the releases that are asked for, the oldest first.

    :param against: versions, which are taken whatever they are, and sets of specifiers (PEP 440),
        which leave pre-releases out unless they name one. None means every release that is no
        pre-release: an edge lies outside of what a wheel requires, or is none.
    :raises BuildError: one is neither, or fits no release.
    """
    if not against:
        against = (">=0",)
    chosen: set[Release] = set()
    for text in against:
        matching = [release for release in releases if _matches(text, release.version)]
        if not matching:
            known = ", ".join(str(release.version) for release in releases)
            raise BuildError(
                f"--against {text}: no release of {DISTRIBUTION} for this Python fits that",
                hint=f"there are {known}",
            )
        chosen.update(matching)
    return tuple(sorted(chosen, key=lambda release: release.version))


def pip_command() -> tuple[str, ...]:
    """Return how to start pip with this Python.

    :raises BuildError: there is neither pip nor uv.
    """
    if has_pip():
        return (sys.executable, "-m", "pip")
    uv = find_uv()
    if uv is None:
        raise BuildError(
            "this Python has no pip, which knows the releases, and there is no uv to fetch it",
            hint=f"{sys.executable} -m ensurepip",
        )
    return (uv, "tool", "run", "--quiet", "--python", sys.executable, "pip")


def find_uv() -> str | None:
    """Return the program uv: beside this Python, or on PATH."""
    return shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")


def _matches(text: str, version: Version) -> bool:
    exactly = _version(text)
    if exactly is not None:
        return exactly == version
    try:
        specifiers = SpecifierSet(text)
    except InvalidSpecifier:
        raise BuildError(
            f"--against {text}: that is no version and no set of specifiers",
            hint="for example 0.1.10, or '>=0.1.8,<0.1.13'",
        ) from None
    return specifiers.contains(version, prereleases=bool(specifiers.prereleases))


def _start(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env=for_installers(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def _versions(pattern: re.Pattern[str], text: str) -> frozenset[Version]:
    found = pattern.search(text)
    words = found[1].split(",") if found is not None else []
    return frozenset(version for word in words if (version := _version(word)) is not None)


def _version(word: str) -> Version | None:
    try:
        return Version(word.strip())
    except InvalidVersion:
        return None  # "none", or what nobody can require
