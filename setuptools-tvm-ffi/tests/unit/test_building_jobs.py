# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import sys

import pytest
from setuptools_tvm_ffi.building import jobs
from setuptools_tvm_ffi.building.jobs import (
    JobCount,
    Resources,
    available_memory,
    control_groups,
    count_jobs,
    free_memory_of_group,
    measure,
    quota_processors,
)

GIB = 2**30
LAPTOP = Resources(8, int(20.1 * GIB))


def count(
    resources: Resources = LAPTOP,
    *,
    declared: int | None = None,
    device_compilers: bool = False,
    distributed: bool = False,
) -> JobCount:
    return count_jobs(
        *(declared, "pyproject.toml", resources),
        device_compilers=device_compilers,
        distributed=distributed,
    )


def test_one_job_runs_for_each_processor_if_memory_suffices() -> None:
    assert count() == JobCount(
        8, 8, "8 jobs: 8 processors, 20.1 GiB of free memory (1 GiB for each compiler)"
    )


def test_little_memory_limits_the_number_of_jobs() -> None:
    assert count(Resources(64, int(5.9 * GIB))) == JobCount(
        5, 5, "5 jobs: 64 processors, 5.9 GiB of free memory (1 GiB for each compiler)"
    )


def test_a_device_compiler_needs_twice_the_memory() -> None:
    found = count(Resources(64, int(5.9 * GIB)), device_compilers=True)
    # The other compilers use all jobs.
    assert (found.total, found.local, found.devices) == (5, 5, 2)
    assert re.match(r"5 jobs: 64 processors, 5\.9 GiB .*; at most 2 device", found.explanation)
    plenty = count(device_compilers=True)
    assert (plenty.total, plenty.devices) == (8, 8)
    assert "device" not in plenty.explanation


@pytest.mark.parametrize("free", [0, 2**20, GIB - 1])
def test_without_enough_memory_for_a_compiler_one_job_still_runs(free: int) -> None:
    assert count(Resources(4, free)).total == 1
    assert count(Resources(4, free), device_compilers=True).devices == 1
    assert count(Resources(1, free)).explanation.startswith("1 job: 1 processor, ")


def test_if_free_memory_is_unknown_only_processors_limit_the_jobs() -> None:
    assert count(Resources(12, None)) == JobCount(
        12, 12, "12 jobs: 12 processors, free memory unknown"
    )


def test_the_explanation_calls_estimated_memory_half_of_the_machines_memory() -> None:
    assert count(Resources(8, 4 * GIB, estimated=True)).explanation == (
        "4 jobs: 8 processors, 4.0 GiB, half of the machine's memory (1 GiB for each compiler)"
    )


@pytest.mark.parametrize("device_compilers", [False, True])
def test_a_declared_number_of_jobs_is_used_unchanged(*, device_compilers: bool) -> None:
    poor = Resources(1, 0)
    assert count(poor, declared=30, device_compilers=device_compilers) == JobCount(
        *(30, 30, "30 jobs: declared by pyproject.toml"), devices=30 if device_compilers else None
    )
    assert count(declared=1, device_compilers=device_compilers) == JobCount(
        *(1, 1, "1 job: declared by pyproject.toml"), devices=1 if device_compilers else None
    )


def test_links_and_device_compilers_stay_within_this_machine_if_compiles_are_distributed() -> None:
    found = count(Resources(4, 5 * GIB), declared=80, distributed=True, device_compilers=True)
    assert (found.total, found.local, found.devices) == (80, 2, 2)
    assert re.match(r"80 jobs: .*pyproject\.toml.* 2 .*4 processors, 5\.0 GiB", found.explanation)
    few = count(declared=3, distributed=True)
    assert few == JobCount(3, 3, "3 jobs: declared by pyproject.toml")


def test_without_a_declared_number_a_distributed_build_has_the_usual_jobs() -> None:
    assert count(distributed=True) == count()


# A shell in a terminal, with systemd on Fedora 40.
SYSTEMD_GROUPS = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn.scope\n"

# Version 1, and version 1 together with an empty version 2.
V1_GROUPS = """\
6:cpu,cpuacct:/docker/3601745b3bd54d9780436faa5f0e4f72
4:memory:/docker/3601745b3bd54d9780436faa5f0e4f72
"""
HYBRID_GROUPS = """\
4:memory:/jobs/7f
1:cpu:/jobs
0::/init.scope
"""


def test_a_group_is_limited_by_all_its_parents() -> None:
    user = "/sys/fs/cgroup/user.slice/user-1000.slice"
    assert control_groups(SYSTEMD_GROUPS) == (
        f"{user}/user@1000.service/app.slice/vte-spawn.scope",
        f"{user}/user@1000.service/app.slice",
        f"{user}/user@1000.service",
        user,
        "/sys/fs/cgroup/user.slice",
        "/sys/fs/cgroup",
    )


@pytest.mark.parametrize("path", ["/", "", "/../../app.slice", "/a/../../../etc"])
def test_the_root_is_the_only_group_of_a_container_or_a_path_outside_the_mount(path: str) -> None:
    assert control_groups(f"0::{path}\n") == ("/sys/fs/cgroup",)


def test_only_version_2_is_read() -> None:
    assert control_groups(V1_GROUPS) == ()
    assert control_groups(HYBRID_GROUPS) == ("/sys/fs/cgroup/init.scope", "/sys/fs/cgroup")


def test_a_path_may_contain_colons_and_dots() -> None:
    assert control_groups("0::/a:b..c") == ("/sys/fs/cgroup/a:b..c", "/sys/fs/cgroup")


@pytest.mark.parametrize("groups", ["", "nonsense\n::\n"])
def test_a_system_without_control_groups_has_no_groups(groups: str) -> None:
    assert control_groups(groups) == ()


@pytest.mark.parametrize(
    ("text", "processors"),
    [
        ("max 100000\n", None),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1000 1000000", 1),
        (" ", None),
        ("max", None),
        ("100000", None),
        ("1 0", None),
        ("1 2 3", None),
    ],
)
def test_a_quota_is_rounded_up_to_whole_processors(text: str, processors: int | None) -> None:
    assert quota_processors(text) == processors


def test_available_memory_is_used_instead_of_free_memory() -> None:
    meminfo = (
        "MemTotal:       24684096 kB\nMemFree:         1501576 kB\nMemAvailable:   24429392 kB\n"
        "Buffers:            1052 kB\n"
    )
    assert available_memory(meminfo) == 24429392 * 1024


@pytest.mark.parametrize("meminfo", ["", "MemFree: 1 kB\n", "MemAvailable: many kB\n"])
def test_without_a_valid_memavailable_line_available_memory_is_unknown(meminfo: str) -> None:
    assert available_memory(meminfo) is None


# A container with version 2 after it unpacked an archive: the page cache is most of its memory.
STATISTICS = """\
anon 104857600
file 734003200
kernel 5242880
shmem 0
inactive_anon 104800000
active_anon 57600
inactive_file 629145600
active_file 104857600
"""


def test_the_inactive_page_cache_is_free_memory() -> None:
    free = free_memory_of_group("2147483648\n", "845000000\n", STATISTICS)
    assert free == 2147483648 - 845000000 + 629145600


@pytest.mark.parametrize(
    ("limit", "usage", "free"),
    [
        ("1000", "400", 600),
        ("1000", "1000", 0),
        ("1000", "1200", 0),
        ("max\n", "1000", None),
        ("", "", None),
        ("1000", "", None),
        ("-1", "0", None),
        ("1000 2000", "0", None),
    ],
)
def test_the_free_memory_of_a_group_is_its_limit_minus_its_usage(
    limit: str, usage: str, free: int | None
) -> None:
    assert free_memory_of_group(limit, usage, "") == free


def test_a_page_cache_larger_than_the_usage_frees_no_more_than_the_usage() -> None:
    assert free_memory_of_group("1000", "400", "inactive_file 900\n") == 1000


class Files:
    """A replacement for the files that `jobs` reads."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def __call__(self, path: str) -> str:
        return self.files.get(path, "")


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and control groups")

MEMINFO = {"/proc/meminfo": f"MemAvailable:   {16 * GIB // 1024} kB\n"}


@needs_linux
def test_the_smallest_limit_of_all_groups_applies(monkeypatch: pytest.MonkeyPatch) -> None:
    user = "/sys/fs/cgroup/user.slice/user-1000.slice"
    files = {
        **MEMINFO,
        "/proc/self/cgroup": SYSTEMD_GROUPS,
        f"{user}/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/user.slice/cpu.max": "250000 100000\n",
        f"{user}/memory.max": f"{8 * GIB}\n",
        f"{user}/memory.current": f"{GIB}\n",
        "/sys/fs/cgroup/user.slice/memory.max": "max\n",
        "/sys/fs/cgroup/user.slice/memory.high": f"{4 * GIB}\n",
        "/sys/fs/cgroup/user.slice/memory.current": f"{2 * GIB}\n",
        "/sys/fs/cgroup/user.slice/memory.stat": f"inactive_file {GIB}\n",
    }
    monkeypatch.setattr(jobs, "_read", Files(files))
    monkeypatch.setattr(jobs, "_processors", lambda: 8)
    assert measure() == Resources(3, 3 * GIB)
    del files["/sys/fs/cgroup/user.slice/memory.high"]
    assert measure() == Resources(3, 7 * GIB)
    monkeypatch.setattr(jobs, "_processors", lambda: 2)
    assert measure().processors == 2


@needs_linux
def test_the_limits_of_a_container_that_sees_its_path_on_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {
        **MEMINFO,
        "/proc/self/cgroup": "0::/docker/3601745b3bd54d9780436faa5f0e4f72\n",
        "/sys/fs/cgroup/cpu.max": "200000 100000\n",
        "/sys/fs/cgroup/memory.max": f"{4 * GIB}\n",
        "/sys/fs/cgroup/memory.current": f"{3 * GIB}\n",
        "/sys/fs/cgroup/memory.stat": f"inactive_file {2 * GIB}\n",
    }
    monkeypatch.setattr(jobs, "_read", Files(files))
    monkeypatch.setattr(jobs, "_processors", lambda: 8)
    assert measure() == Resources(2, 3 * GIB)


@needs_linux
def test_missing_control_files_limit_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_read", Files(MEMINFO))
    monkeypatch.setattr(jobs, "_processors", lambda: 8)
    assert measure() == Resources(8, 16 * GIB)
    monkeypatch.setattr(jobs, "_read", Files({}))
    assert measure() == Resources(8, None)


@needs_linux
def test_only_processors_that_the_process_may_use_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "_read", Files({}))
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert measure().processors == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_this_machine_has_a_processor_and_some_memory() -> None:
    here = measure()
    assert 1 <= here.processors <= (os.cpu_count() or 1)
    assert here.free_memory is not None
    assert 0 <= here.free_memory < 2**50
    assert here.estimated is (sys.platform not in {"linux", "win32"})
