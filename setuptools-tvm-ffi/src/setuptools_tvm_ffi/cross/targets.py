# SPDX-License-Identifier: Apache-2.0
"""The platforms that can be built for: how a target is written, and what its wheels are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..base.errors import ConfigurationError
from ..settings import Project
from ..settings.declaration import did_you_mean

#: One of each kind, as messages and the documentation show them.
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
    r"(\.(?P<version>\d{1,3}(\.\d{1,3})?))?"
)
# PEP 600: the oldest policy of each of the older names (PEP 513, 571, 599).
_LEGACY_MANYLINUX = {(2, 5): "manylinux1", (2, 12): "manylinux2010", (2, 17): "manylinux2014"}
# Zig 0.17 has the symbols of older ones, and no headers that go with them.
_OLDEST_GLIBC = (2, 17)
# Zig 0.17 gives what is newer the symbols of this one.
_NEWEST_GLIBC = (2, 44)
# A wheel of apache-tvm-ffi for a newer one may be linked with all the same.
_NEWEST_LINKED_GLIBC_MINOR = 50
# The musl that Zig links with is a 1.2, whose time_t is that of PEP 656's musllinux_1_2.
_MUSL = (1, 2)
_OLDEST_MACOS = {"x86_64": (10, 13), "aarch64": (11, 0)}
# The newest that Zig 0.17 knows, and one for what may be linked with, as above.
_NEWEST_MACOS = 27
_NEWEST_LINKED_MACOS = 30
_FIRST_MACOS_WITHOUT_MINORS = 11
_MACOS_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}
_WINDOWS_TAGS = {"x86_64": "win_amd64", "aarch64": "win_arm64"}


@dataclass(frozen=True)
class Target:
    """A platform that is built for.

    :param name: as it is written, and as Zig takes it after ``-target``.
    :param system: ``linux``, ``darwin`` or ``windows``.
    :param machine: as Zig calls it.
    :param tags: the platform tags of its wheels; the first is the one that counts, the others are
        older names of it.
    :param platforms: the platform tags of wheels that may be linked with, the best first.
    """

    name: str
    system: str
    machine: str
    tags: tuple[str, ...]
    platforms: tuple[str, ...]

    @property
    def tag(self) -> str:
        """The platform part of a wheel's file name (PEP 425, compressed)."""
        return ".".join(self.tags)


def target_of(project: Project) -> Target | None:
    """Return the target of a project's settings, ``None`` for this machine.

    :raises ConfigurationError: it is none.
    """
    name = project.settings.target
    return None if name is None else parse_target(name, where=project.place("target"))


def parse_target(name: str, *, where: str) -> Target:
    """Return the target of this name.

    :param where: the option or key that holds it, for the message.
    :raises ConfigurationError: it is none, or no wheel could be tagged for it.
    """
    match = _FORM.fullmatch(name)
    if match is None:
        raise ConfigurationError(
            f"{where}: {name!r} is no target{did_you_mean(name, EXAMPLES)}",
            hint=f"targets are written as {', '.join(EXAMPLES)}",
        )
    machine, platform = match["machine"], match["platform"]
    version = _version(match["version"])
    takes_version = platform in {"linux-gnu", "macos"}
    if takes_version and version is None:
        example = next(e for e in EXAMPLES if e.startswith(f"{machine}-{platform}."))
        what = "glibc" if platform == "linux-gnu" else "macOS"
        raise ConfigurationError(
            f"{where}: {name!r} does not say for which {what} on",
            hint=f"write for example {example!r}: it becomes part of the wheel's tag",
        )
    if not takes_version and version is not None:
        raise ConfigurationError(
            f"{where}: {name!r}: {platform} has no versions to choose from",
            hint=f"write '{machine}-{platform}'",
        )
    if platform == "linux-musl":
        return _musl(name, machine)
    if platform == "windows-gnu":
        tag = _WINDOWS_TAGS[machine]
        return Target(name, "windows", machine, (tag,), (tag,))
    assert version is not None
    if platform == "macos":
        return _macos(name, machine, version, where)
    return _glibc(name, machine, version, where)


def _version(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def _glibc(name: str, machine: str, version: tuple[int, int], where: str) -> Target:
    if not _OLDEST_GLIBC <= version <= _NEWEST_GLIBC:
        raise ConfigurationError(
            f"{where}: {name!r}: glibc 2.{_OLDEST_GLIBC[1]} is the oldest that can be built for, "
            f"2.{_NEWEST_GLIBC[1]} the newest",
            hint=f"write for example '{machine}-linux-gnu.2.{_OLDEST_GLIBC[1]}': newer systems "
            "take such a wheel, too",
        )
    return Target(
        name=name,
        system="linux",
        machine=machine,
        tags=tuple(_manylinux(version, machine)),
        # What libtvm_ffi itself needs is a matter of the machine that both are installed on.
        platforms=(
            *(
                tag
                for minor in range(_NEWEST_LINKED_GLIBC_MINOR, _OLDEST_GLIBC[1] - 1, -1)
                for tag in _manylinux((2, minor), machine)
            ),
            f"linux_{machine}",
        ),
    )


def _manylinux(version: tuple[int, int], machine: str) -> Iterator[str]:
    yield f"manylinux_{version[0]}_{version[1]}_{machine}"
    if version in _LEGACY_MANYLINUX:
        yield f"{_LEGACY_MANYLINUX[version]}_{machine}"


def _musl(name: str, machine: str) -> Target:
    major, minor = _MUSL
    return Target(
        name=name,
        system="linux",
        machine=machine,
        tags=(f"musllinux_{major}_{minor}_{machine}",),
        platforms=tuple(f"musllinux_{major}_{m}_{machine}" for m in range(minor, -1, -1)),
    )


def _macos(name: str, machine: str, version: tuple[int, int], where: str) -> Target:
    oldest = _OLDEST_MACOS[machine]
    if not oldest <= version < (_NEWEST_MACOS + 1, 0):
        raise ConfigurationError(
            f"{where}: {name!r}: macOS {oldest[0]}.{oldest[1]} is the oldest on {machine}, "
            f"{_NEWEST_MACOS} the newest that is known",
            hint=f"write for example '{machine}-macos.{oldest[0]}.{oldest[1]}': newer systems "
            "take such a wheel, too",
        )
    if version[0] >= _FIRST_MACOS_WITHOUT_MINORS and version[1]:
        raise ConfigurationError(
            f"{where}: {name!r}: from macOS 11 on a wheel's tag has no minor version",
            hint=f"write '{machine}-macos.{version[0]}.0' or '{machine}-macos.{version[0] + 1}.0'",
        )
    called = _MACOS_MACHINES[machine]
    return Target(
        name=name,
        system="darwin",
        machine=machine,
        tags=(f"macosx_{version[0]}_{version[1]}_{called}",),
        platforms=tuple(
            f"macosx_{major}_{minor}_{architecture}"
            for major, minor in _macos_versions(oldest)
            for architecture in (called, "universal2")
        ),
    )


def _macos_versions(oldest: tuple[int, int]) -> Iterator[tuple[int, int]]:
    for major in range(_NEWEST_LINKED_MACOS, _FIRST_MACOS_WITHOUT_MINORS - 1, -1):
        yield major, 0
    for minor in range(16, -1, -1):
        if (10, minor) >= oldest:
            yield 10, minor
