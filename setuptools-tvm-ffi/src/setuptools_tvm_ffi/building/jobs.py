# SPDX-License-Identifier: Apache-2.0
"""Limits the number of parallel jobs by processors and free memory, including container limits.

By default, ninja ignores memory and container limits. On a machine with N processors, it runs N + 2
jobs.
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

_GIB = 2**30

# The memory to reserve for each C or C++ compiler, in GiB. The compilers were measured at -O3, with
# sources that include <tvm/ffi/tvm_ffi.h> and export functions with metadata. GCC 12 uses 0.22 to
# 0.31 GiB (0.42 with -g3, 0.68 with sanitizers). Clang 14 uses 0.15 to 0.24 GiB.
_HOST_COMPILER = 1

# The memory to reserve for each device compiler, or for each thread of nvcc, in GiB. By default,
# nvcc 13.0 compiles for one architecture after another, so the number of architectures does not
# matter. nvcc was measured with two sources and six architectures. The first source includes only
# tvm-ffi's headers: nvcc uses 0.4 GiB, or 1.8 GiB with --threads 6. The second source also calls
# thrust::sort and two algorithms of CUB: nvcc uses 0.85 GiB, or 4.9 GiB with --threads 6 (0.82 GiB
# for each thread). Reserve more, because many kernels use more templates than the second source.
_DEVICE_COMPILER = 2

# Linux distributions mount the control groups (version 2) at this path.
_CONTROL_GROUPS = "/sys/fs/cgroup"


@dataclass(frozen=True)
class Resources:
    """Processors and memory that this process may use.

    :param processors: the number of processors. If the process has a quota, such as 1.5
        processors, the number is at most the quota, rounded up.
    :param free_memory: bytes of free memory, or ``None`` if the amount is unknown.
    :param estimated: whether `free_memory` is an estimate: half of the machine's memory.
    """

    processors: int
    free_memory: int | None
    estimated: bool = False


@dataclass(frozen=True)
class JobCount:
    """Number of parallel commands, and the reason for this number.

    :param total: how many commands may run in parallel, for ninja's ``-j``.
    :param local: how many of these commands may run on this machine. The number is less than
        `total` only if a launcher such as distcc runs C and C++ compilers on other machines. Device
        compilers and linkers always run on this machine.
    :param explanation: one line for the user.
    :param devices: how many device compilers, or threads of nvcc, may run in parallel; ``None`` if
        there is no device compiler.
    """

    total: int
    local: int
    explanation: str
    devices: int | None = None


def count_jobs(
    declared: int | None,
    declared_by: str,
    resources: Resources,
    *,
    device_compilers: bool,
    distributed: bool = False,
) -> JobCount:
    """Return how many commands may run in parallel.

    If a setting declares a number, the number limits all commands. Otherwise, the resources of this
    machine limit the commands. Device compilers then have a separate limit, because they need more
    memory than other compilers.

    If a launcher runs compilers on other machines, the declared number can exceed the resources of
    this machine. The commands that run on this machine then have a separate limit, which depends on
    the resources.

    :param declared: the number of commands that a setting declares, if any.
    :param declared_by: the name of the setting, for the explanation.
    :param resources: the resources of this machine.
    :param device_compilers: whether nvcc or hipcc is among the commands.
    :param distributed: whether a launcher runs C and C++ compilers on other machines.
    """
    total, reason = _local_jobs(resources, _HOST_COMPILER)
    local, limit = total, reason
    if device_compilers:
        local, limit = _local_jobs(resources, _DEVICE_COMPILER)

    def result(total: int, local: int, devices: int, explanation: str) -> JobCount:
        return JobCount(total, local, explanation, devices if device_compilers else None)

    if declared is None:
        if local < total:
            most = _count(local, "device compiler")
            reason += f"; at most {most} ({_DEVICE_COMPILER} GiB for each)"
        return result(total, total, local, f"{_count(total, 'job')}: {reason}")
    explanation = f"{_count(declared, 'job')}: declared by {declared_by}"
    if not distributed or declared <= local:
        return result(declared, declared, declared, explanation)
    explanation += f"; at most {local} links and device compilers on this machine: {limit}"
    return result(declared, local, local, explanation)


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
    """Return the folder of this process's control group (version 2), then its parent folders.

    In a container, ``/proc/self/cgroup`` may contain the path that the group has on the host. Most
    folders in the result then do not exist in the container. The last folder exists, because it is
    the mount point of the control groups. In a container, the mount point is the folder of the
    container's group.

    >>> control_groups("0::/user.slice")
    ('/sys/fs/cgroup/user.slice', '/sys/fs/cgroup')

    :param groups: the content of ``/proc/self/cgroup``.
    """
    found = re.search(r"^0::(.*)$", groups, re.MULTILINE)
    if found is None:
        return ()
    parts = [part for part in found[1].split("/") if part]
    # If the group is outside the process's namespace, the path is, for example, "/../../app.slice".
    # Such a path does not lead to a folder below the mount point, so use only the mount point.
    if ".." in parts:
        parts = []
    return tuple("/".join([_CONTROL_GROUPS, *parts[:depth]]) for depth in range(len(parts), -1, -1))


def quota_processors(text: str) -> int | None:
    """Return the number of processors that a quota allows, or ``None`` if there is no quota.

    >>> quota_processors("150000 100000"), quota_processors("max 100000")
    (2, None)

    :param text: the content of ``cpu.max``: a quota and a period, in microseconds. In each period,
        the group may use as much processor time as the quota.
    """
    found = re.fullmatch(r"(\d+)\s+(\d+)", text.strip())
    if found is None or int(found[2]) == 0:
        return None
    return math.ceil(int(found[1]) / int(found[2]))


def available_memory(meminfo: str) -> int | None:
    """Return how many bytes of memory are available, from the content of ``/proc/meminfo``."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo, re.MULTILINE)
    return int(found[1]) * 1024 if found is not None else None


def free_memory_of_group(limit: str, usage: str, statistics: str) -> int | None:
    """Return how many more bytes a control group may use, or ``None`` if it has no limit.

    :param limit: the content of ``memory.max`` or ``memory.high``.
    :param usage: the content of ``memory.current``: the bytes that the group uses, including the
        page cache.
    :param statistics: the content of ``memory.stat``, which contains the size of the inactive page
        cache. The inactive page cache counts as free, because the kernel gives this memory to
        programs that need it.
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
        """The structure `MEMORYSTATUSEX` of Windows, from ``sysinfoapi.h``."""

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
        # macOS and the BSDs report free memory only through programs such as vm_stat. Assume that
        # half of the machine's memory is free.
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        except (OSError, ValueError):
            return None
