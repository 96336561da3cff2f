# SPDX-License-Identifier: Apache-2.0
"""Lists the releases of apache-tvm-ffi for this Python and selects the releases to test.

pip lists the releases, because pip reads the user's indexes, certificates and passwords.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from ..base.child_python import has_pip
from ..base.errors import BuildError
from ..ffi.releases import DISTRIBUTION
from .temporary_environment import Index, for_installers

# The command `pip index versions` of pip 23.1 to 26.3 prints this line. The option `--json` of this
# command is not used, because pip supports the option only since release 25.1.
_AVAILABLE = re.compile(r"^Available versions: (.*)$", re.MULTILINE)


def list_releases(index: Index, scratch: Path) -> tuple[Version, ...]:
    """Return the releases that have a wheel for this Python, oldest first.

    The result lacks yanked releases (PEP 592), because pip does not list them.

    :param scratch: an empty folder in which pip runs.
    :raises BuildError: pip is missing or lists no release.
    """
    listing = subprocess.run(
        [
            *(*pip_command(), "index", "versions", "--pre", "--only-binary=:all:"),
            *("--disable-pip-version-check", "--no-input", *index.options, DISTRIBUTION),
        ],
        cwd=scratch,
        env=for_installers(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    releases = parse_releases(listing.stdout)
    if not releases:
        errors = [line for line in listing.stderr.splitlines() if line.startswith("ERROR")]
        raise BuildError(
            f"pip finds no release of {DISTRIBUTION} for this Python"
            + "".join(f"\n{line}" for line in errors[:3]),
            hint="if the package index is unreachable, use --find-links and --no-index",
        )
    return releases


def parse_releases(listing: str) -> tuple[Version, ...]:
    """Return the releases in the output of ``pip index versions``, oldest first.

    >>> [str(v) for v in parse_releases("Available versions: 0.1.10, 0.1.9")]
    ['0.1.9', '0.1.10']
    """
    found = _AVAILABLE.search(listing)
    words = found[1].split(",") if found is not None else []
    return tuple(sorted(version for word in words if (version := _version(word)) is not None))


def choose_releases(releases: Sequence[Version], against: Sequence[str]) -> tuple[Version, ...]:
    """Return the releases to test, oldest first.

    :param against: versions and version specifiers (PEP 440). A version is chosen even if it is not
        in `releases`: it may be a yanked release, which pip and uv install if a requirement pins
        the release. A specifier matches pre-releases only if it names a pre-release. If `against`
        is empty, every release except pre-releases is tested, because the wheel may work with more
        releases than its requirement admits.
    :raises BuildError: an item of `against` is neither a version nor specifiers, or is a specifier
        that matches no release.
    """
    chosen: set[Version] = set()
    for text in against or (">=0",):
        exactly = _version(text)
        matching = [exactly] if exactly is not None else _matching(releases, text)
        if not matching:
            raise BuildError(
                f"--against {text}: no release of {DISTRIBUTION} for this Python matches",
                hint=f"pip lists {', '.join(map(str, releases))}",
            )
        chosen.update(matching)
    return tuple(sorted(chosen))


def pip_command() -> tuple[str, ...]:
    """Return the command that starts pip with this Python.

    If pip is not installed, the command starts uv, which downloads pip.

    :raises BuildError: neither pip nor uv is installed.
    """
    if has_pip():
        return (sys.executable, "-m", "pip")
    uv = find_uv()
    if uv is None:
        raise BuildError(
            f"neither pip nor uv is installed: compat needs one of them to list the releases of "
            f"{DISTRIBUTION}",
            hint=f"{sys.executable} -m ensurepip",
        )
    return (uv, "tool", "run", "--quiet", "--python", sys.executable, "pip")


def find_uv() -> str | None:
    """Return the path of uv. Search the folder of this Python first, then `PATH`."""
    return shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")


def _matching(releases: Sequence[Version], text: str) -> list[Version]:
    try:
        specifiers = SpecifierSet(text)
    except InvalidSpecifier:
        raise BuildError(
            f"--against {text}: neither a version nor version specifiers",
            hint="examples: 0.1.10, '>=0.1.8,<0.1.13'",
        ) from None
    prereleases = bool(specifiers.prereleases)
    return [version for version in releases if specifiers.contains(version, prereleases)]


def _version(text: str) -> Version | None:
    try:
        return Version(text.strip())
    except InvalidVersion:
        return None
