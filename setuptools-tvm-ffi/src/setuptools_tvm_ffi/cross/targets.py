# SPDX-License-Identifier: Apache-2.0
"""Targets of cross-compilation: their names and the platform tags of their wheels."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass

from ..base.errors import ConfigurationError
from ..settings import Project
from ..settings.declaration import did_you_mean

#: One example of each kind of target, for messages and the documentation.
EXAMPLES = (
    "x86_64-linux-gnu.2.17",
    "aarch64-linux-gnu.2.28",
    "x86_64-linux-musl",
    "aarch64-linux-musl",
    "aarch64-macos.11.0",
    "x86_64-macos.11.0",
    "x86_64-windows-gnu",
    "aarch64-windows-gnu",
)

_FORM = re.compile(
    r"(?P<machine>x86_64|aarch64)-(?P<platform>linux-gnu|linux-musl|macos|windows-gnu)"
    r"(\.(?P<major>\d{1,3})(\.(?P<minor>\d{1,3}))?)?"
)
# Minor versions of glibc 2 that Zig 0.17 supports. Zig has headers for glibc 2.17 and newer, and
# symbol lists for glibc 2.44 and older.
_GLIBC_MINORS = range(17, 45)
# The newest version of macOS that Zig 0.17 supports.
_NEWEST_MACOS = 27
# A build links with an apache-tvm-ffi wheel for one of these versions of glibc or macOS. This
# version may be newer than the target's version, because the built wheel does not contain
# apache-tvm-ffi. pip installs a suitable apache-tvm-ffi on the user's machine.
_LINKED_GLIBC_MINORS = range(50, 16, -1)
_LINKED_MACOS = range(30, 10, -1)
_OLDEST_MACOS = {"x86_64": (10, 13), "aarch64": (11, 0)}
_MACOS_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}
_WINDOWS_TAGS = {"x86_64": "win_amd64", "aarch64": "win_arm64"}


@dataclass(frozen=True)
class Target:
    """A platform to build for.

    :param name: the target in Zig's notation, for example ``x86_64-linux-gnu.2.17``.
    :param system: ``linux``, ``darwin`` or ``windows``.
    :param machine: Zig's name of the machine, for example ``x86_64``.
    :param tags: platform tags of the wheel. If the same platform has a tag of PEP 600 and an older
        alias, the tag of PEP 600 is first.
    :param platforms: platform tags of the apache-tvm-ffi wheels that the build may link with, in
        order of preference.
    """

    name: str
    system: str
    machine: str
    tags: tuple[str, ...]
    platforms: tuple[str, ...]

    @property
    def tag(self) -> str:
        """The platform tags of the wheel, separated by dots as in the wheel's file name."""
        return ".".join(self.tags)


def target_of(project: Project) -> Target | None:
    """Return the target of a project's settings, or ``None`` if no target is set.

    :raises ConfigurationError: the target is invalid.
    """
    name = project.settings.target
    return None if name is None else parse_target(name, where=project.place("target"))


def target_of_tag(tag: str) -> str | None:
    """Return the name of the target whose wheels have this platform tag, or ``None``.

    >>> target_of_tag("macosx_11_0_arm64"), target_of_tag("manylinux2014_aarch64")
    ('aarch64-macos.11.0', 'aarch64-linux-gnu.2.17')
    """
    numbers = ".".join(re.findall(r"_(\d+)(?=_)", tag)) or "2.17"
    for machine in ("x86_64", "aarch64"):
        for name in (
            *(f"{machine}-linux-gnu.{numbers}", f"{machine}-macos.{numbers}"),
            *(f"{machine}-linux-musl", f"{machine}-windows-gnu"),
        ):
            with contextlib.suppress(ConfigurationError):
                if tag in parse_target(name, where="").tags:
                    return name
    return None


def parse_target(name: str, *, where: str) -> Target:
    """Return the target with this name.

    :param where: the option or key that contains the name, for messages.
    :raises ConfigurationError: the name is invalid, or Zig does not support the target.
    """
    match = _FORM.fullmatch(name)
    if match is None:
        raise ConfigurationError(
            f"{where}: {name!r} is not a target{did_you_mean(name, EXAMPLES)}",
            hint=f"examples of targets: {', '.join(EXAMPLES)}",
        )
    machine, platform = match["machine"], match["platform"]
    has_version = match["major"] is not None
    if platform in {"linux-gnu", "macos"}:
        if not has_version:
            example = next(e for e in EXAMPLES if e.startswith(f"{machine}-{platform}."))
            what = "glibc" if platform == "linux-gnu" else "macOS"
            raise ConfigurationError(
                f"{where}: {name!r} needs a minimum {what} version",
                hint=f"for example {example!r}; the version becomes part of the wheel's tag",
            )
        version = int(match["major"]), int(match["minor"] or 0)
        build = _glibc if platform == "linux-gnu" else _macos
        return build(name, machine, version, where)
    if has_version:
        raise ConfigurationError(
            f"{where}: {name!r}: {platform} does not take a version",
            hint=f"use '{machine}-{platform}'",
        )
    if platform == "windows-gnu":
        tag = _WINDOWS_TAGS[machine]
        return Target(name, "windows", machine, (tag,), (tag,))
    # Zig links with musl 1.2. A library may therefore depend on the type time_t of musl 1.2, and
    # needs the tag musllinux_1_2 (PEP 656).
    tags = tuple(f"musllinux_1_{minor}_{machine}" for minor in (2, 1, 0))
    return Target(name, "linux", machine, tags[:1], tags)


def _glibc(name: str, machine: str, version: tuple[int, int], where: str) -> Target:
    if version[0] != 2 or version[1] not in _GLIBC_MINORS:  # noqa: PLR2004 - glibc 2
        raise ConfigurationError(
            f"{where}: {name!r}: the supported versions of glibc are 2.{_GLIBC_MINORS[0]} to "
            f"2.{_GLIBC_MINORS[-1]}",
            hint=f"a wheel for glibc 2.{_GLIBC_MINORS[0]} also runs on newer systems",
        )
    linked = [tag for minor in _LINKED_GLIBC_MINORS for tag in _manylinux(minor, machine)]
    return Target(
        name, "linux", machine, _manylinux(version[1], machine), (*linked, f"linux_{machine}")
    )


def _manylinux(minor: int, machine: str) -> tuple[str, ...]:
    # PEP 600: manylinux2014 means the same as manylinux_2_17.
    alias = (f"manylinux2014_{machine}",) if minor == _GLIBC_MINORS[0] else ()
    return (f"manylinux_2_{minor}_{machine}", *alias)


def _macos(name: str, machine: str, version: tuple[int, int], where: str) -> Target:
    oldest = _OLDEST_MACOS[machine]
    if not oldest <= version < (_NEWEST_MACOS + 1, 0):
        raise ConfigurationError(
            f"{where}: {name!r}: the supported versions of macOS on {machine} are "
            f"{oldest[0]}.{oldest[1]} to {_NEWEST_MACOS}",
            hint=f"a wheel for macOS {oldest[0]}.{oldest[1]} also runs on newer systems",
        )
    if version[0] > 10 and version[1]:  # noqa: PLR2004 - macOS 10
        raise ConfigurationError(
            f"{where}: {name!r}: from macOS 11 on, the minor version must be 0, as in wheel tags",
            hint=f"use '{machine}-macos.{version[0]}.0' or '{machine}-macos.{version[0] + 1}.0'",
        )
    architecture = _MACOS_MACHINES[machine]
    linked = [(major, 0) for major in _LINKED_MACOS]
    linked += [(10, minor) for minor in range(16, -1, -1) if (10, minor) >= oldest]
    return Target(
        name=name,
        system="darwin",
        machine=machine,
        tags=(f"macosx_{version[0]}_{version[1]}_{architecture}",),
        platforms=tuple(
            f"macosx_{major}_{minor}_{kind}"
            for major, minor in linked
            for kind in (architecture, "universal2")
        ),
    )
