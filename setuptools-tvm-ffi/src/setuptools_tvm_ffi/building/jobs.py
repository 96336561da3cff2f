# SPDX-License-Identifier: Apache-2.0
"""How many commands ninja runs at once: what the machine has, and what one compiler needs.

ninja's own answer is the number of processors plus two, whatever memory there is and whatever a
container may use of either.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from ..toolchains.launcher import Launcher

_GIB = 2**30

# Measured at -O3 on units that include <tvm/ffi/tvm_ffi.h> and export with metadata: GCC 12 takes
# 0.22 to 0.31 GiB (0.42 with -g3, 0.68 with sanitizers), Clang 14 0.15 to 0.24.
_HOST_COMPILER = 1

# nvcc 13.0 compiles for one architecture after another, so that six need what one needs: 0.4 GiB
# with tvm-ffi's headers alone, 0.85 with a sort of Thrust and two algorithms of CUB. Kernels built
# of more templates than those are common. (nvcc --threads 6: 1.8 and 4.9 GiB.)
_DEVICE_COMPILER = 2

# `distcc -j` reads its list of hosts; only for +zeroconf it asks a daemon.
_ANSWER_SECONDS = 10

# See proc(5), /proc/pid/mountinfo: the fields before the dash vary in number.
_MOUNT = re.compile(
    r"^\S+ \S+ \S+ (?P<root>\S+) (?P<folder>\S+) .*- (?P<kind>cgroup2?) \S+ (?P<options>\S+)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Resources:
    """What this process may use of the machine.

    :param processors: the quota of its control group counted, rounded up.
    :param free_memory: bytes; ``None`` where the platform does not tell.
    :param estimated: whether `free_memory` is half of what the machine has, for want of better.
    """

    processors: int
    free_memory: int | None
    estimated: bool = False


@dataclass(frozen=True)
class JobCount:
    """How many commands may run at once, and why.

    :param total: ninja's ``-j``.
    :param local: how many of them may need this machine's memory: device compilers, links, and
        compiles that are not distributed.
    :param explanation: one line.
    """

    total: int
    local: int
    explanation: str


def count_jobs(
    declared: int | None,
    declared_by: str,
    resources: Resources,
    *,
    device_compilers: bool,
    remote: int | None,
) -> JobCount:
    """Return how many commands to run at once.

    What is declared is taken as it is. It bounds the compiles on other machines where there are
    such; then this machine's own part stays what it can bear.

    :param declared_by: where `declared` comes from, for the explanation.
    :param device_compilers: whether nvcc or hipcc is among the commands.
    :param remote: how many compiles other machines take at once, see `remote_slots`.
    """
    local, reason = _local_jobs(resources, _DEVICE_COMPILER if device_compilers else _HOST_COMPILER)
    if declared is not None:
        total, reasons = declared, [f"declared by {declared_by}"]
        local = declared if remote is None else min(declared, local)
    elif remote is not None:
        # A compile that is distributed needs next to nothing here (preprocessing: 22 MiB), and one
        # too many waits in distcc for a slot; device compilers run beside them.
        total = remote + local if device_compilers else max(remote, local)
        reasons = [f"distcc's hosts have {_count(remote, 'slot')}"]
    else:
        total, reasons = local, [reason]
    if remote is not None:
        reasons.append(f"on this machine {local}: {reason}")
    return JobCount(total, local, f"{_count(total, 'job')}: {'; '.join(reasons)}")


def remote_slots(launcher: Launcher) -> int | None:
    """Return how many compiles the launcher's hosts take at once, ``None`` without any.

    It is the number that distcc recommends for ``make -j``: four for every host, or the limit in
    the list of hosts, and two for `localhost` where the list names it.
    """
    if not launcher.distributes:
        return None
    try:
        result = subprocess.run(
            [launcher.command[0], "-j"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=_ANSWER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # Without hosts it prints no number and ends with 0 (distcc 3.4).
    return _number(result.stdout) or None


def measure() -> Resources:
    """Return what this process may use, as far as the platform tells."""
    processors = _processors()
    if sys.platform == "linux":
        groups, mounts = _read("/proc/self/cgroup"), _read("/proc/self/mountinfo")
        quotas = map(_quota_of, control_groups(groups, mounts, "cpu"))
        free = [available_memory(_read("/proc/meminfo"))]
        free += map(_free_memory_of, control_groups(groups, mounts, "memory"))
        return Resources(_least([processors, *quotas]) or 1, _least(free))
    return Resources(processors, _memory(), estimated=sys.platform != "win32")


def control_groups(groups: str, mounts: str, controller: str) -> tuple[str, ...]:
    """Return the folders of the control groups that may limit this process, innermost first.

    :param groups: the content of ``/proc/self/cgroup``.
    :param mounts: the content of ``/proc/self/mountinfo``.
    :param controller: ``cpu`` or ``memory``, as version 1 calls its hierarchies; the one of
        version 2 has every controller.
    """
    paths: dict[str, str] = {}
    for line in groups.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        paths.update(dict.fromkeys(controllers.split(","), path))
    folders = []
    for mount in _MOUNT.finditer(mounts):
        unified = mount["kind"] == "cgroup2"
        own = paths.get("" if unified else controller)
        if own is not None and (unified or controller in mount["options"].split(",")):
            below = _below(_unescape(mount["root"]), own)
            folders += _with_parents(_unescape(mount["folder"]), below)
    return tuple(folders)


def quota_processors(text: str) -> int | None:
    """Return how many processors a quota is worth, ``None`` where there is none.

    >>> quota_processors("150000 100000"), quota_processors("max 100000")
    (2, None)

    :param text: the content of ``cpu.max``: microseconds, and the period they are of.
    """
    found = re.fullmatch(r"(\d+)\s+(\d+)", text.strip())
    if found is None or int(found[2]) == 0:
        return None
    return math.ceil(int(found[1]) / int(found[2]))


def available_memory(meminfo: str) -> int | None:
    """Return the bytes that ``/proc/meminfo`` calls available."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo, re.MULTILINE)
    return int(found[1]) * 1024 if found is not None else None


def free_memory_of_group(limit: str, usage: str, statistics: str) -> int | None:
    """Return the bytes that a control group has left, ``None`` where it has no limit.

    :param limit: the content of ``memory.max``, or ``memory.limit_in_bytes`` in version 1.
    :param usage: the content of ``memory.current``, or ``memory.usage_in_bytes``. Pages of files
        count, which are given up for a compiler as soon as it asks.
    :param statistics: the content of ``memory.stat``, which tells how much that is.
    """
    most, used = _number(limit), _number(usage)
    # Version 1 writes "none" as the largest number of pages there is.
    if most is None or used is None or most >= 2**62:
        return None
    # Without "total_" version 1 means this group alone; version 2 always counts those in it.
    found = re.search(r"^total_inactive_file (\d+)$", statistics, re.MULTILINE) or re.search(
        r"^inactive_file (\d+)$", statistics, re.MULTILINE
    )
    return max(0, most - used + min(used, int(found[1]) if found is not None else 0))


def _local_jobs(resources: Resources, gib: int) -> tuple[int, str]:
    processors, free = resources.processors, resources.free_memory
    words = [_count(processors, "processor")]
    if free is None:
        words.append("free memory unknown")
        return max(1, processors), ", ".join(words)
    what = ", half of the machine's memory" if resources.estimated else " of free memory"
    words.append(f"{free / _GIB:.1f} GiB{what} ({gib} GiB for each compiler)")
    return max(1, min(processors, free // (gib * _GIB))), ", ".join(words)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _processors() -> int:
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if sys.platform == "linux":
        try:
            return len(os.sched_getaffinity(0))
        except OSError:
            pass
    return os.cpu_count() or 1


def _quota_of(folder: str) -> int | None:
    files = ("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    return _least(
        quota_processors(" ".join(_read(f"{folder}/{name}") for name in names)) for names in files
    )


def _free_memory_of(folder: str) -> int | None:
    # Above memory.high a group is slowed down until it gives memory back: no better than a limit.
    usages = {
        "memory.max": "memory.current",
        "memory.high": "memory.current",
        "memory.limit_in_bytes": "memory.usage_in_bytes",
    }
    statistics = _read(f"{folder}/memory.stat")
    return _least(
        free_memory_of_group(_read(f"{folder}/{limit}"), _read(f"{folder}/{usage}"), statistics)
        for limit, usage in usages.items()
    )


def _below(root: str, path: str) -> str:
    """Return where a group lies below the root of a mount.

    A container may see the path that its host sees, of which its mount has no part.
    """
    root = root.rstrip("/")
    return path[len(root) :].strip("/") if f"{path}/".startswith(f"{root}/") else ""


def _with_parents(folder: str, below: str) -> list[str]:
    parts = below.split("/") if below and ".." not in below.split("/") else []
    return ["/".join([folder, *parts[:depth]]) for depth in range(len(parts), -1, -1)]


def _unescape(path: str) -> str:
    r"""Return a path of ``mountinfo``, where a space is ``\040``."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


if sys.platform == "win32":
    import ctypes

    class _MemoryStatus(ctypes.Structure):
        """`MEMORYSTATUSEX` of ``sysinfoapi.h``."""

        _fields_ = [
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("physical", ctypes.c_uint64),
            ("available", ctypes.c_uint64),
            ("others", ctypes.c_uint64 * 5),
        ]

    def _memory() -> int | None:
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        succeeded = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(status.available) if succeeded else None

else:

    def _memory() -> int | None:
        # macOS and the BSDs tell what is free, or could be, in the output of programs alone.
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        except (OSError, ValueError):
            return None
