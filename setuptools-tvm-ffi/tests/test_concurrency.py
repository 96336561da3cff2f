# SPDX-License-Identifier: Apache-2.0
"""Parallel builds of one source tree, and interrupted builds."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from environments import QUICK
from sample_projects import Project, ProjectFactory
from slow_compiler import HALF_AN_OBJECT, SlowCompiler, make_slow_compiler

pytestmark = pytest.mark.long

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def slow_compiler(tmp_path: Path) -> Iterator[SlowCompiler]:
    compiler = make_slow_compiler(tmp_path / "compiler")
    yield compiler
    compiler.release()


def start_build(project: Project, folder: Path, **variables: str) -> subprocess.Popen[str]:
    program = f"from setuptools_tvm_ffi.build_meta import build_wheel; build_wheel({str(folder)!r})"
    return subprocess.Popen(
        [project.environment.python, "-I", "-c", program],
        cwd=project.folder,
        env={**project.environment.variables, **QUICK, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_parallel_builds_of_one_tree_all_produce_the_correct_wheel(
    project: ProjectFactory, tmp_path: Path
) -> None:
    small: Project = project("small")
    folders = [tmp_path / f"wheels-{number}" for number in range(4)]
    builds = [start_build(small, folder) for folder in folders]
    printed = [build.communicate()[0] for build in builds]
    assert [build.returncode for build in builds] == [0] * 4, printed
    small.build()
    for folder in folders:
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            assert archive.testzip() is None
            assert set(archive.namelist()) == small.names()
            assert archive.read("small_pkg/_ffi_api.py").decode() == small.read(
                "small_pkg/_ffi_api.py"
            )


def test_a_waiting_build_reports_it_and_continues_if_the_other_is_killed(
    project: ProjectFactory, tmp_path: Path
) -> None:
    small: Project = project("small")
    (tmp_path / "holding.py").write_text(
        "import sys, time; from pathlib import Path\n"
        "from setuptools_tvm_ffi.base.build_lock import build_lock\n"
        "with build_lock(Path(sys.argv[1])):\n"
        "    print('held', flush=True); time.sleep(600)\n"
    )
    small.build()
    (folder,) = (small.folder / "build").glob("tvm-ffi.*")
    holder = subprocess.Popen(
        [small.environment.python, tmp_path / "holding.py", folder],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    waiting = start_build(small, tmp_path / "wheels")
    assert waiting.stdout is not None
    line = ""
    while "waiting for another build (process " not in line:
        line = waiting.stdout.readline()
        assert line, "it ended without waiting"
    holder.send_signal(signal.SIGKILL)
    waiting.communicate()
    assert waiting.returncode == 0
    holder.communicate()


def test_a_build_that_is_killed_is_resumed_by_the_next(
    project: ProjectFactory, tmp_path: Path
) -> None:
    small: Project = project("small")
    for number in range(3):
        build = start_build(small, tmp_path / f"wheels-{number}")
        time.sleep(0.4 + 0.5 * number)
        os.killpg(build.pid, signal.SIGKILL)
        build.communicate()
    small.build()
    assert "class Point(" in small.read("small_pkg/_ffi_api.py")
    assert "small_pkg/libsmall.so" in small.names()


def record_of(wheel: Path) -> dict[str, Any]:
    """Return a wheel's build record. Assert that it has the digest of the wheel's library."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        (name,) = (n for n in archive.namelist() if n.endswith("/tvm_ffi_build.json"))
        record: dict[str, Any] = json.loads(archive.read(name))
        (library,) = record["libraries"]
        assert hashlib.sha256(archive.read(library["path"])).hexdigest() == library["sha256"]
    return record


def test_parallel_builds_of_several_types_produce_wheels_of_their_type(
    project: ProjectFactory, tmp_path: Path
) -> None:
    rebuilt: Project = project("rebuilt")
    types = ("release", "debug", "release-debug-info", "release", "debug", "undefined-sanitizer")
    builds = {
        tmp_path / f"wheels-{number}": start_build(
            rebuilt, tmp_path / f"wheels-{number}", SETUPTOOLS_TVM_FFI_BUILD_TYPE=build_type
        )
        for number, build_type in enumerate(types)
    }
    printed = [build.communicate()[0] for build in builds.values()]
    assert [build.returncode for build in builds.values()] == [0] * len(types), printed
    digests: dict[str, set[str]] = {build_type: set() for build_type in types}
    for folder, build_type in zip(builds, types):
        (wheel,) = folder.glob("*.whl")
        (library,) = record_of(wheel)["libraries"]
        arguments = library["arguments"]["c"]
        assert ("-DNDEBUG" in arguments) == build_type.startswith("release")
        assert ("-g" in arguments) == ("debug" in build_type or "sanitizer" in build_type)
        assert any("sanitize" in argument for argument in arguments) == ("sani" in build_type)
        digests[build_type].add(library["sha256"])
    assert [len(found) for found in digests.values()] == [1] * 4
    assert len(set.union(*digests.values())) == 4


def build_the_right_wheel(project: Project, slow_compiler: SlowCompiler) -> str:
    """Build with a compiler that does not wait, assert that it recompiles all, return the log."""
    slow_compiler.release()
    process = project.build(CC=str(slow_compiler.path))
    printed = process.stdout + process.stderr
    # The truncated object file has the timestamp of an up-to-date file.
    assert "compile csrc/answer.c" in printed
    assert "compile csrc/increment.c" in printed
    assert record_of(project.wheel)["libraries"][0]["path"] == "rebuilt_pkg/librebuilt.so"
    return printed


@on_linux
@pytest.mark.parametrize("whom", ["process group", "process alone"])
def test_ctrl_c_stops_a_build_and_the_next_uses_no_partial_output(
    project: ProjectFactory, slow_compiler: SlowCompiler, tmp_path: Path, whom: str
) -> None:
    rebuilt: Project = project("rebuilt")
    slow_compiler.hold()
    variables = {"CC": str(slow_compiler.path), "SETUPTOOLS_TVM_FFI_JOBS": "2"}
    build = start_build(rebuilt, tmp_path / "wheels", **variables)
    slow_compiler.wait_until_it_compiles(build, files=2)
    # A terminal sends the signal to the whole process group. An IDE or `kill` may not.
    if whom == "process group":
        os.killpg(build.pid, signal.SIGINT)
    else:
        build.send_signal(signal.SIGINT)
    printed, _ = build.communicate(timeout=120)
    assert build.returncode != 0
    assert not (tmp_path / "wheels").exists() or not list((tmp_path / "wheels").glob("*.whl"))
    assert printed.rstrip().endswith("interrupted")
    slow_compiler.wait_until_it_has_ended()
    assert "waiting for another build" not in build_the_right_wheel(rebuilt, slow_compiler)


@on_linux
def test_a_build_waits_for_the_compilers_of_one_that_was_killed(
    project: ProjectFactory, slow_compiler: SlowCompiler, tmp_path: Path
) -> None:
    rebuilt: Project = project("rebuilt")
    slow_compiler.hold()
    variables = {"CC": str(slow_compiler.path), "SETUPTOOLS_TVM_FFI_JOBS": "2"}
    build = start_build(rebuilt, tmp_path / "killed", **variables)
    slow_compiler.wait_until_it_compiles(build, files=2)
    # Kill only the process that took the lock. ninja and its compilers continue.
    build.kill()
    build.wait()
    following = start_build(rebuilt, tmp_path / "wheels", **variables)
    assert following.stdout is not None
    line = ""
    while "waiting for another build (process " not in line:
        line = following.stdout.readline()
        assert line, "it ended without waiting"
    time.sleep(0.5)
    assert following.poll() is None
    slow_compiler.release()
    printed, _ = following.communicate()
    assert following.returncode == 0, printed
    build.communicate()
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    assert record_of(wheel)["libraries"][0]["path"] == "rebuilt_pkg/librebuilt.so"


@on_linux
def test_an_object_truncated_by_a_kill_is_compiled_again(
    project: ProjectFactory, slow_compiler: SlowCompiler, tmp_path: Path
) -> None:
    rebuilt: Project = project("rebuilt")
    rebuilt.build(CC=str(slow_compiler.path))
    # Both are compiled for the second time, so ninja's log contains earlier commands and times.
    rebuilt.edit("pyproject.toml", '["SUMMAND", "0"]', '["SUMMAND", "1"]')
    slow_compiler.hold()
    variables = {"CC": str(slow_compiler.path), "SETUPTOOLS_TVM_FFI_JOBS": "2"}
    build = start_build(rebuilt, tmp_path / "killed", **variables)
    slow_compiler.wait_until_it_compiles(build, files=2)
    os.killpg(build.pid, signal.SIGKILL)
    slow_compiler.kill()
    build.communicate()
    objects = (rebuilt.folder / "build").rglob("*.c.o")
    assert [path.read_text() for path in objects] == [HALF_AN_OBJECT] * 2
    build_the_right_wheel(rebuilt, slow_compiler)
