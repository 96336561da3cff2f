# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from setuptools_tvm_ffi.building import work as work_module
from setuptools_tvm_ffi.building.work import Work
from setuptools_tvm_ffi.toolchains.launcher import Launcher


@pytest.mark.parametrize(
    "line",
    [
        "csrc/a.cc:3:7: warning: unused variable 'x' [-Wunused-variable]",
        "cc1plus: warning: command-line option '-x' is valid for C",
        "/usr/bin/ld: warning: a.o: missing .note.GNU-stack section",
        "a.cc(3): warning C4101: 'x': unreferenced local variable",
        'a.cu(3): warning #177-D: variable "x" was declared but never referenced',
        "nvcc warning : Support for offline compilation is deprecated",
        "warning: no debug symbols",
    ],
)
def test_a_warning_of_a_compiler_is_collected_once(line: str) -> None:
    work = Work()
    work.add_warnings([line, "  3 |   int x;", line])
    assert work.warnings == [line]


@pytest.mark.parametrize(
    "line",
    [
        "   3 | // warning: do not touch",
        "a.cc:3:7: note: declared here",
        "a.cc:3:7: error: expected ';'",
        "cc1plus: all warnings being treated as errors",
        "1 warning generated.",
        "[1/2] compile warnings.cc",
    ],
)
def test_other_lines_are_no_warnings(line: str) -> None:
    work = Work()
    work.add_warnings([line])
    assert work.warnings == []


def test_the_work_of_two_builds_is_added() -> None:
    work, other = Work(run=1, fresh=2, warnings=["a"]), Work(run=3, warnings=["warning: b"])
    other.hits["ccache"] += 4
    work.add(other)
    assert (work.run, work.fresh, work.hits["ccache"]) == (4, 2, 4)
    assert work.warnings == ["a", "warning: b"]


def test_the_log_of_ccache_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCACHE_STATSLOG", raising=False)
    log = tmp_path / "ccache.log"
    log.write_text("# old\ncache_miss\n")
    work = Work()
    with work.counted_caches([], log) as variables:
        assert variables == {"CCACHE_STATSLOG": str(log)}
        log.write_text(
            "# a.cc\ncache_miss\nlocal_storage_miss\n# b.cc\ndirect_cache_hit\n"
            "# c.cc\ndirect_cache_miss\npreprocessed_cache_hit\n# so\ncalled_for_link\n"
        )
    assert (work.hits["ccache"], work.misses["ccache"]) == (2, 1)


def test_a_log_of_the_user_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCACHE_STATSLOG", "mine")
    work = Work()
    with work.counted_caches([], tmp_path / "ccache.log") as variables:
        assert variables == {}
    assert work.hits == work.misses == {}


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for sccache is a shell script")
def test_the_counters_of_sccache_are_compared(tmp_path: Path) -> None:
    counters = tmp_path / "counters"

    def count(hits: int, misses: int) -> None:
        stats = {"cache_hits": {"counts": {"C/C++": hits, "CUDA": 1}}}
        stats["cache_misses"] = {"counts": {"C/C++": misses}}
        counters.write_text(json.dumps({"stats": stats}))

    program = tmp_path / "sccache"
    program.write_text(f'#!/bin/sh\ncat "{counters}"\n')
    program.chmod(0o755)
    count(10, 20)
    work = Work()
    with work.counted_caches([Launcher((str(program),), "sccache")], tmp_path / "log"):
        count(13, 25)
    assert (work.hits["sccache"], work.misses["sccache"]) == (3, 5)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for sccache is a shell script")
@pytest.mark.parametrize(
    "script",
    [
        "echo '[]'",
        """echo '{"stats": null}'""",
        """echo '{"stats": {"cache_hits": {"counts": {"C": "1"}}, "cache_misses": {}}}'""",
        "exec sleep 60",
    ],
)
def test_an_sccache_that_fails_or_hangs_has_no_counters(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_module, "_SECONDS_FOR_STATISTICS", 0.3)
    program = tmp_path / "sccache"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    work, started = Work(), time.monotonic()
    with work.counted_caches([Launcher((str(program),), "sccache")], tmp_path / "log"):
        pass
    assert work.hits["sccache"] == work.misses["sccache"] == 0
    assert time.monotonic() - started < 10


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for sccache is a shell script")
def test_a_server_that_sccache_leaves_behind_is_not_awaited(tmp_path: Path) -> None:
    program = tmp_path / "sccache"
    program.write_text("#!/bin/sh\nsleep 20 & echo '{}'\n")
    program.chmod(0o755)
    started = time.monotonic()
    with Work().counted_caches([Launcher((str(program),), "sccache")], tmp_path / "log"):
        pass
    assert time.monotonic() - started < 4


def test_an_old_sccache_has_no_counters(tmp_path: Path) -> None:
    work = Work()
    with work.counted_caches([Launcher(("echo",), "sccache")], tmp_path / "log"):
        pass
    assert work.hits["sccache"] == work.misses["sccache"] == 0
