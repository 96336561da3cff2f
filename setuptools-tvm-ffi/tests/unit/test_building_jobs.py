# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from setuptools_tvm_ffi.building import jobs as job_count
from setuptools_tvm_ffi.building.jobs import (
    JobCount,
    Resources,
    available_memory,
    control_groups,
    count_jobs,
    free_memory_of_group,
    measure,
    quota_processors,
    remote_slots,
)
from setuptools_tvm_ffi.toolchains.launcher import Launcher

GIB = 2**30
LAPTOP = Resources(8, int(20.1 * GIB))


def count(
    resources: Resources = LAPTOP,
    *,
    declared: int | None = None,
    device_compilers: bool = False,
    remote: int | None = None,
) -> JobCount:
    return count_jobs(
        declared, "pyproject.toml", resources, device_compilers=device_compilers, remote=remote
    )


def test_one_for_each_processor_where_memory_allows() -> None:
    assert count() == JobCount(
        8, 8, "8 jobs: 8 processors, 20.1 GiB of free memory (1 GiB for each compiler)"
    )


def test_memory_is_the_limit_where_it_is_short() -> None:
    assert count(Resources(64, int(5.9 * GIB))) == JobCount(
        5, 5, "5 jobs: 64 processors, 5.9 GiB of free memory (1 GiB for each compiler)"
    )


def test_a_device_compiler_is_given_more() -> None:
    assert count(Resources(64, int(5.9 * GIB)), device_compilers=True) == JobCount(
        2, 2, "2 jobs: 64 processors, 5.9 GiB of free memory (2 GiB for each compiler)"
    )


@pytest.mark.parametrize("free", [0, 2**20, GIB - 1])
def test_one_job_there_always_is(free: int) -> None:
    assert count(Resources(4, free)).total == 1
    assert count(Resources(4, free), device_compilers=True).local == 1
    assert count(Resources(1, free)).explanation.startswith("1 job: 1 processor, ")


def test_without_a_word_on_memory_processors_decide() -> None:
    assert count(Resources(12, None)) == JobCount(
        12, 12, "12 jobs: 12 processors, free memory unknown"
    )


def test_an_estimate_is_called_one() -> None:
    assert count(Resources(8, 4 * GIB, estimated=True)).explanation == (
        "4 jobs: 8 processors, 4.0 GiB, half of the machine's memory (1 GiB for each compiler)"
    )


@pytest.mark.parametrize("device_compilers", [False, True])
def test_what_is_declared_is_taken_as_it_is(*, device_compilers: bool) -> None:
    poor = Resources(1, 0)
    assert count(poor, declared=30, device_compilers=device_compilers) == JobCount(
        30, 30, "30 jobs: declared by pyproject.toml"
    )
    assert count(declared=1, device_compilers=device_compilers) == JobCount(
        1, 1, "1 job: declared by pyproject.toml"
    )


def test_the_hosts_slots_come_before_this_machine() -> None:
    assert count(Resources(2, 3 * GIB), remote=40) == JobCount(
        40,
        2,
        "40 jobs: distcc's hosts have 40 slots; on this machine 2: "
        "2 processors, 3.0 GiB of free memory (1 GiB for each compiler)",
    )


def test_hosts_with_less_than_this_machine_do_not_hold_its_links_up() -> None:
    jobs = count(remote=1)
    assert (jobs.total, jobs.local) == (8, 8)
    assert jobs.explanation.startswith("8 jobs: distcc's hosts have 1 slot; on this machine 8: ")


def test_device_compilers_run_beside_what_the_hosts_compile() -> None:
    jobs = count(Resources(4, 5 * GIB), remote=10, device_compilers=True)
    assert (jobs.total, jobs.local) == (12, 2)
    assert "(2 GiB for each compiler)" in jobs.explanation


def test_what_is_declared_for_hosts_is_not_for_this_machine() -> None:
    assert count(Resources(2, 9 * GIB), declared=80, remote=40) == JobCount(
        80,
        2,
        "80 jobs: declared by pyproject.toml; on this machine 2: "
        "2 processors, 9.0 GiB of free memory (1 GiB for each compiler)",
    )
    few = count(declared=3, remote=40)
    assert (few.total, few.local) == (3, 3)


@pytest.fixture
def distcc(tmp_path: Path) -> Path:
    if sys.platform == "win32":
        pytest.skip("the program is a shell script")
    return tmp_path / "distcc"


def slots(program: Path, body: str) -> int | None:
    program.write_text(f'#!/bin/sh\n[ "$*" = -j ] || exit 9\n{body}\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return remote_slots(Launcher((str(program), "--option"), "distcc"))


def test_distcc_is_asked_for_its_slots(distcc: Path) -> None:
    assert slots(distcc, "echo 24") == 24


@pytest.mark.parametrize(
    "body",
    [
        "echo 'distcc[1] (dcc_concurrency_level) CRITICAL! Failed to get host list' >&2",
        "echo 0",
        "echo -4",
        "echo 4 hosts",
        "printf '\\377'",
        "exit 116",
    ],
)
def test_without_hosts_there_are_none(distcc: Path, body: str) -> None:
    assert slots(distcc, body) is None


def test_a_distcc_that_does_not_answer_is_not_waited_for(
    distcc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_count, "_ANSWER_SECONDS", 0.2)
    assert slots(distcc, "exec sleep 60") is None


def test_a_distcc_that_does_not_start_has_none(tmp_path: Path) -> None:
    assert remote_slots(Launcher((str(tmp_path / "distcc"),), "distcc")) is None


def test_another_launcher_is_not_asked() -> None:
    assert remote_slots(Launcher((sys.executable,), "ccache")) is None


# systemd on Fedora 40; a shell in a terminal.
SYSTEMD_GROUPS = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn.scope\n"
SYSTEMD_MOUNTS = """\
24 1 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:14 - proc proc rw
30 25 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:8 - cgroup2 cgroup2 rw,seclabel
"""

# docker run on a host with version 2: a namespace of its own.
DOCKER_GROUPS = "0::/\n"
DOCKER_MOUNTS = """\
1215 1190 0:74 / / rw,relatime master:329 - overlay overlay rw,lowerdir=/var/lib/docker/l/A - B
1240 1229 0:27 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate
"""

# docker run on a host with version 1: the host's paths, the container's mounts.
DOCKER_V1_GROUPS = """\
12:devices:/docker/3601745b3bd54d9780436faa5f0e4f72
6:cpu,cpuacct:/docker/3601745b3bd54d9780436faa5f0e4f72
4:memory:/docker/3601745b3bd54d9780436faa5f0e4f72
1:name=systemd:/docker/3601745b3bd54d9780436faa5f0e4f72
"""
DOCKER_V1_MOUNTS = """\
893 892 0:28 /docker/3601745b3bd54d9780436faa5f0e4f72 /sys/fs/cgroup/cpu,cpuacct ro,relatime \
master:14 - cgroup cgroup rw,cpu,cpuacct
896 892 0:31 /docker/3601745b3bd54d9780436faa5f0e4f72 /sys/fs/cgroup/memory ro,relatime \
master:17 - cgroup cgroup rw,memory
"""

# Version 1 with an empty version 2 beside it, as on Ubuntu 20.04.
HYBRID_GROUPS = """\
4:memory:/jobs/7f
2:cpuacct:/
1:cpu:/jobs
0::/init.scope
"""
HYBRID_MOUNTS = """\
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""


@pytest.mark.parametrize("controller", ["cpu", "memory"])
def test_a_group_is_limited_by_all_those_it_lies_in(controller: str) -> None:
    user = "/sys/fs/cgroup/user.slice/user-1000.slice"
    assert control_groups(SYSTEMD_GROUPS, SYSTEMD_MOUNTS, controller) == (
        f"{user}/user@1000.service/app.slice/vte-spawn.scope",
        f"{user}/user@1000.service/app.slice",
        f"{user}/user@1000.service",
        user,
        "/sys/fs/cgroup/user.slice",
        "/sys/fs/cgroup",
    )


def test_a_container_sees_its_own_group_as_the_root() -> None:
    assert control_groups(DOCKER_GROUPS, DOCKER_MOUNTS, "memory") == ("/sys/fs/cgroup",)


def test_a_path_of_the_host_is_found_in_the_mount_of_a_container() -> None:
    def groups(controller: str) -> tuple[str, ...]:
        return control_groups(DOCKER_V1_GROUPS, DOCKER_V1_MOUNTS, controller)

    assert groups("memory") == ("/sys/fs/cgroup/memory",)
    assert groups("cpu") == ("/sys/fs/cgroup/cpu,cpuacct",)


@pytest.mark.parametrize("path", ["/../../app.slice", "/elsewhere/3601", "/docker/36", ""])
def test_a_path_outside_the_mount_stands_for_the_mount(path: str) -> None:
    mounts = "9 8 0:27 /docker/3601 /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
    assert control_groups(f"0::{path}\n", mounts, "cpu") == ("/sys/fs/cgroup",)


def test_below_the_root_of_a_mount_only_the_rest_counts() -> None:
    mounts = "9 8 0:27 /docker/3601 /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
    assert control_groups("0::/docker/3601/build\n", mounts, "cpu") == (
        "/sys/fs/cgroup/build",
        "/sys/fs/cgroup",
    )


def test_each_controller_of_version_1_has_a_hierarchy_of_its_own() -> None:
    unified = ("/sys/fs/cgroup/unified/init.scope", "/sys/fs/cgroup/unified")
    memory = "/sys/fs/cgroup/memory"
    assert control_groups(HYBRID_GROUPS, HYBRID_MOUNTS, "memory") == (
        f"{memory}/jobs/7f",
        f"{memory}/jobs",
        memory,
        *unified,
    )
    assert control_groups(HYBRID_GROUPS, HYBRID_MOUNTS, "cpu") == (
        "/sys/fs/cgroup/cpu/jobs",
        "/sys/fs/cgroup/cpu",
        *unified,
    )


def test_a_path_may_hold_colons_and_a_mount_spaces() -> None:
    mounts = r"9 8 0:27 / /my\040groups rw - cgroup2 cgroup rw"
    assert control_groups("0::/a:b", mounts, "cpu") == ("/my groups/a:b", "/my groups")


@pytest.mark.parametrize(
    ("groups", "mounts"),
    [("", ""), (SYSTEMD_GROUPS, ""), ("", SYSTEMD_MOUNTS), ("nonsense\n::\n", " - - cgroup2 \n-")],
)
def test_without_control_groups_there_are_none(groups: str, mounts: str) -> None:
    assert control_groups(groups, mounts, "memory") == ()


@pytest.mark.parametrize(
    ("text", "processors"),
    [
        ("max 100000\n", None),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1000 1000000", 1),
        ("-1\n 100000\n", None),  # version 1
        ("400000\n 100000\n", 4),
        (" ", None),
        ("max", None),
        ("100000", None),
        ("1 0", None),
        ("1 2 3", None),
    ],
)
def test_a_quota_is_worth_whole_processors(text: str, processors: int | None) -> None:
    assert quota_processors(text) == processors


def test_memory_that_is_available_is_more_than_what_is_free() -> None:
    meminfo = (
        "MemTotal:       24684096 kB\nMemFree:         1501576 kB\nMemAvailable:   24429392 kB\n"
        "Buffers:            1052 kB\n"
    )
    assert available_memory(meminfo) == 24429392 * 1024


@pytest.mark.parametrize("meminfo", ["", "MemFree: 1 kB\n", "MemAvailable: many kB\n"])
def test_a_kernel_may_not_tell_what_is_available(meminfo: str) -> None:
    assert available_memory(meminfo) is None


# A container of version 2 after an unpacked archive: most of its memory are pages of files.
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

STATISTICS_V1 = """\
cache 4096
rss 8192
inactive_file 1000
hierarchical_memory_limit 2147483648
total_cache 734003200
total_inactive_file 629145600
total_active_file 104857600
"""


@pytest.mark.parametrize("statistics", [STATISTICS, STATISTICS_V1])
def test_pages_of_files_are_free_for_whoever_asks(statistics: str) -> None:
    free = free_memory_of_group("2147483648\n", "845000000\n", statistics)
    assert free == 2147483648 - 845000000 + 629145600


@pytest.mark.parametrize(
    ("limit", "usage", "free"),
    [
        ("1000", "400", 600),
        ("1000", "1000", 0),
        ("1000", "1200", 0),
        ("max\n", "1000", None),
        ("9223372036854771712\n", "1000", None),  # none, in version 1
        ("", "", None),
        ("1000", "", None),
        ("-1", "0", None),
        ("1000 2000", "0", None),
    ],
)
def test_a_group_has_left_what_it_does_not_use(limit: str, usage: str, free: int | None) -> None:
    assert free_memory_of_group(limit, usage, "") == free


def test_more_than_is_used_is_not_given_up() -> None:
    assert free_memory_of_group("1000", "400", "inactive_file 900\n") == 1000


class Files:
    """What `job_count` reads, in place of the machine's."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def __call__(self, path: str) -> str:
        return self.files.get(path, "")


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and control groups")

MEMINFO = {"/proc/meminfo": f"MemAvailable:   {16 * GIB // 1024} kB\n"}


@needs_linux
def test_the_smallest_limit_of_all_groups_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    user = "/sys/fs/cgroup/user.slice/user-1000.slice"
    files = {
        **MEMINFO,
        "/proc/self/cgroup": SYSTEMD_GROUPS,
        "/proc/self/mountinfo": SYSTEMD_MOUNTS,
        f"{user}/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/user.slice/cpu.max": "250000 100000\n",
        f"{user}/memory.max": f"{8 * GIB}\n",
        f"{user}/memory.current": f"{GIB}\n",
        "/sys/fs/cgroup/user.slice/memory.max": "max\n",
        "/sys/fs/cgroup/user.slice/memory.high": f"{4 * GIB}\n",
        "/sys/fs/cgroup/user.slice/memory.current": f"{2 * GIB}\n",
        "/sys/fs/cgroup/user.slice/memory.stat": f"inactive_file {GIB}\n",
    }
    monkeypatch.setattr(job_count, "_read", Files(files))
    monkeypatch.setattr(job_count, "_processors", lambda: 8)
    assert measure() == Resources(3, 3 * GIB)
    del files["/sys/fs/cgroup/user.slice/memory.high"]
    assert measure() == Resources(3, 7 * GIB)
    monkeypatch.setattr(job_count, "_processors", lambda: 2)
    assert measure().processors == 2


@needs_linux
def test_the_limits_of_version_1_count(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        **MEMINFO,
        "/proc/self/cgroup": DOCKER_V1_GROUPS,
        "/proc/self/mountinfo": DOCKER_V1_MOUNTS,
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": f"{4 * GIB}\n",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes": f"{3 * GIB}\n",
        "/sys/fs/cgroup/memory/memory.stat": f"inactive_file 0\ntotal_inactive_file {2 * GIB}\n",
    }
    monkeypatch.setattr(job_count, "_read", Files(files))
    monkeypatch.setattr(job_count, "_processors", lambda: 8)
    assert measure() == Resources(2, 3 * GIB)


@needs_linux
def test_files_that_are_not_there_limit_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_count, "_read", Files(MEMINFO))
    monkeypatch.setattr(job_count, "_processors", lambda: 8)
    assert measure() == Resources(8, 16 * GIB)
    monkeypatch.setattr(job_count, "_read", Files({}))
    assert measure() == Resources(8, None)


@needs_linux
def test_only_the_processors_that_may_be_used_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_count, "_read", Files({}))
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
