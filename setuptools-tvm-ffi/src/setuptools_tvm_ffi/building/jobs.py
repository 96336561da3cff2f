# SPDX-License-Identifier: Apache-2.0
"""Limits the number of parallel jobs by processors and free memory, including container limits.

By default, ninja ignores memory and container limits: it runs as many jobs as there are processors,
plus two.
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

_GIB = 2**30

# GiB that one C or C++ compiler needs. On sources that include <tvm/ffi/tvm_ffi.h> and export
# functions with metadata, measured at -O3, GCC 12 uses 0.22 to 0.31 GiB (0.42 with -g3, 0.68 with
# sanitizers). Clang 14 uses 0.15 to 0.24 GiB.
_HOST_COMPILER = 1

# GiB that one device compiler needs. nvcc 13.0 compiles for one architecture after another, so six
# architectures need as much memory as one. A source that includes only tvm-ffi's headers needs 0.4
# GiB. A source that also uses a sort of Thrust and two algorithms of CUB needs 0.85 GiB. Many
# kernels use more templates than that. (With nvcc --threads 6, the sources need 1.8 and 4.9 GiB.)
_DEVICE_COMPILER = 2

# Every Linux distribution mounts version 2 of the control groups at this path.
_CONTROL_GROUPS = "/sys/fs/cgroup"


@dataclass(frozen=True)
class Resources:
    """Processors and memory that this process may use.

    :param processors: the number of processors. A quota of the control group limits this number and
        is rounded up.
    :param free_memory: bytes of free memory; ``None`` if the platform does not report memory.
    :param estimated: whether `free_memory` is half of the machine's memory, because the platform
        does not report free memory.
    """

    processors: int
    free_memory: int | None
    estimated: bool = False


@dataclass(frozen=True)
class JobCount:
    """Number of parallel commands, and the reason for this number.

    :param total: the number of all commands, for ninja's ``-j``.
    :param local: the number of device compilers and links, which always run on this machine. This
        number is less than `total` only if a launcher distributes the other compiles.
    :param explanation: one line for the user.
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
    distributed: bool = False,
) -> JobCount:
    """Return how many commands to run in parallel.

    A declared number overrides the measured one. If compiles are distributed, the measured number
    still limits the commands that run on this machine.

    :param declared: the number of commands that a setting declares, if any.
    :param declared_by: the name of that setting, for the explanation.
    :param device_compilers: whether nvcc or hipcc is among the commands.
    :param distributed: whether a launcher runs C and C++ compilers on other machines.
    """
    measured, reason = _local_jobs(
        resources, _DEVICE_COMPILER if device_compilers else _HOST_COMPILER
    )
    if declared is None:
        return JobCount(measured, measured, f"{_count(measured, 'job')}: {reason}")
    explanation = f"{_count(declared, 'job')}: declared by {declared_by}"
    if not distributed or declared <= measured:
        return JobCount(declared, declared, explanation)
    explanation += f"; at most {measured} links and device compilers on this machine: {reason}"
    return JobCount(declared, measured, explanation)


def measure() -> Resources:
    """Return the processors and memory that this process may use."""
    processors = _processors()
    if sys.platform == "linux":
        folders = control_groups(_read("/proc/self/cgroup"))
        free = [available_memory(_read("/proc/meminfo")), *map(_free_memory_of, folders)]
        quotas = [quota_processors(_read(f"{folder}/cpu.max")) for folder in folders]
        return Resources(_least([processors, *quotas]) or 1, _least(free))
    return Resources(processors, _memory(), estimated=sys.platform != "win32")


def control_groups(groups: str) -> tuple[str, ...]:
    """Return the folders of this process's control group (version 2) and its parents.

    In a container, ``/proc/self/cgroup`` may contain the group's path on the host. Most folders of
    that path do not exist in the container. The last folder in the result is the root of the mount,
    which is then the container's own group.

    >>> control_groups("0::/user.slice")
    ('/sys/fs/cgroup/user.slice', '/sys/fs/cgroup')

    :param groups: the content of ``/proc/self/cgroup``.
    """
    found = re.search(r"^0::(.*)$", groups, re.MULTILINE)
    if found is None:
        return ()
    parts = [part for part in found[1].split("/") if part]
    # A process that was moved out of its namespace sees a path such as "/../../app.slice".
    if ".." in parts:
        parts = []
    return tuple("/".join([_CONTROL_GROUPS, *parts[:depth]]) for depth in range(len(parts), -1, -1))


def quota_processors(text: str) -> int | None:
    """Return the number of processors that a quota allows, ``None`` if there is no quota.

    >>> quota_processors("150000 100000"), quota_processors("max 100000")
    (2, None)

    :param text: the content of ``cpu.max``: a time and the period that it applies to, in
        microseconds.
    """
    found = re.fullmatch(r"(\d+)\s+(\d+)", text.strip())
    if found is None or int(found[2]) == 0:
        return None
    return math.ceil(int(found[1]) / int(found[2]))


def available_memory(meminfo: str) -> int | None:
    """Return the available bytes that ``/proc/meminfo`` reports."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo, re.MULTILINE)
    return int(found[1]) * 1024 if found is not None else None


def free_memory_of_group(limit: str, usage: str, statistics: str) -> int | None:
    """Return how many bytes a control group may still use, ``None`` if it has no limit.

    :param limit: the content of ``memory.max`` or ``memory.high``.
    :param usage: the content of ``memory.current``. The number includes the page cache.
    :param statistics: the content of ``memory.stat``. The kernel reclaims the inactive part of the
        page cache as soon as a compiler needs memory.
    """
    most, used = _number(limit), _number(usage)
    if most is None or used is None:
        return None
    found = re.search(r"^inactive_file (\d+)$", statistics, re.MULTILINE)
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


def _free_memory_of(folder: str) -> int | None:
    usage, statistics = _read(f"{folder}/memory.current"), _read(f"{folder}/memory.stat")
    # The kernel throttles a group that uses more than memory.high, so treat memory.high as a limit.
    return _least(
        free_memory_of_group(_read(f"{folder}/{limit}"), usage, statistics)
        for limit in ("memory.max", "memory.high")
    )


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
        # Only programs such as vm_stat report the free memory of macOS and the BSDs.
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        except (OSError, ValueError):
            return None
