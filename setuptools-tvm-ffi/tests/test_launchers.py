# SPDX-License-Identifier: Apache-2.0
"""Compilers behind a launcher: ccache, and distcc, which compiles on other machines."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from environments import Environment, make_environment
from sample_projects import Project, ProjectFactory

pytestmark = pytest.mark.long

PARTS = 6


def launched_by(project: Project, launcher: str) -> None:
    """Declare a launcher in `pyproject.toml`."""
    with (project.folder / "pyproject.toml").open("a") as stream:
        stream.write(f'\n[tool.setuptools-tvm-ffi]\ncompiler-launcher = "{launcher}"\n')


@pytest.fixture
def many(project: ProjectFactory) -> Project:
    """The project "small" with many C and C++ sources, and the expected sum of their results."""
    small: Project = project("small")
    for number in range(PARTS):
        suffix, linkage = (".c", "") if number % 2 else (".cc", 'extern "C" ')
        source = small.folder / "csrc" / f"part{number}{suffix}"
        source.write_text(f"{linkage}int part{number}(void) {{ return 1 << {number}; }}\n")
    names = [f"part{number}" for number in range(PARTS)]
    (small.folder / "csrc" / "total.cc").write_text(
        "#include <tvm/ffi/tvm_ffi.h>\n"
        + "".join(f'extern "C" int {name}(void);\n' for name in names)
        + f"static int64_t Total() {{ return {' + '.join(f'{name}()' for name in names)}; }}\n"
        "TVM_FFI_DLL_EXPORT_TYPED_FUNC(total, Total);\n"
    )
    small.edit("setup.py", '["csrc/*.cc"]', '["csrc/*.cc", "csrc/*.c"]')
    return small


def sources(project: Project) -> set[str]:
    files = (project.folder / "csrc").iterdir()
    return {f"csrc/{file.name}" for file in files if file.suffix in {".c", ".cc"}}


def assert_works(project: Project, variables: dict[str, str]) -> None:
    """Install the wheel and call a function that uses every object file."""
    environment = make_environment(project.folder.parent / "venv", variables)
    environment.pip("install", "-q", project.wheel, cwd=project.folder.parent)
    program = (
        "import small_pkg; from tvm_ffi.libinfo import load_lib_module; "
        "print(load_lib_module('small-project', 'small').total(), small_pkg.Point(2, 4).middle())"
    )
    process = environment.run(environment.python, "-c", program, cwd=project.folder.parent)
    assert process.stdout.split() == [str(2**PARTS - 1), "3.0"]


@dataclass(frozen=True)
class Server:
    """A running ``distccd`` that only accepts connections from this machine."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def compiled(self) -> list[str]:
        """The sources that the server has compiled."""
        return re.findall(r"COMPILE_OK exit:0 .* (\S+)$", self.log.read_text(), re.MULTILINE)


def start_server(log: Path) -> Server:
    for _ in range(5):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = ("--daemon", "--no-detach", "--log-stderr", "--log-level", "info", "--jobs", "2")
        address = ("--listen", "127.0.0.1", "--allow", "127.0.0.1", "--port", str(port))
        with log.open("wb") as stream:
            # Start a new session, because distccd kills its whole process group when it ends. With
            # --log-file, a distccd started by root would write as a user without permissions here.
            process = subprocess.Popen(
                ["distccd", *options, *address],
                stdin=subprocess.DEVNULL,
                stderr=stream,
                start_new_session=True,
            )
        give_up = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < give_up:
            if "daemon started" in log.read_text():
                return Server(process, port, log)
            time.sleep(0.02)
        stop(process)  # another process may have taken the port
    pytest.fail(f"distccd does not start:\n{log.read_text()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Server]]:
    """Two servers. Each compiles two units in parallel."""
    for program in ("distcc", "distccd"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on PATH")
    started: list[Server] = []
    try:
        started.extend(start_server(tmp_path / f"distccd{number}.log") for number in range(2))
        yield started
    finally:
        for server in started:
            stop(server.process)


def test_distcc_compiles_on_its_hosts_as_many_units_in_parallel_as_jobs_declares(
    many: Project, servers: list[Server], variables: dict[str, str], tmp_path: Path
) -> None:
    launched_by(many, "distcc")
    (tmp_path / "distcc").mkdir()
    # Use more jobs than this machine would run, and few enough slots that both servers get jobs.
    first, second = servers
    slots = (os.cpu_count() or 1) + 4
    process = many.build(
        SETUPTOOLS_TVM_FFI_JOBS=str(slots),
        DISTCC_HOSTS=f"127.0.0.1:{first.port}/1 127.0.0.1:{second.port}/{slots - 1}",
        DISTCC_DIR=str(tmp_path / "distcc"),
        DISTCC_FALLBACK="0",  # never compile on this machine
    )
    printed = process.stdout + process.stderr
    job_line = rf"{slots} jobs: .*SETUPTOOLS_TVM_FFI_JOBS"
    assert re.search(rf"^\s*setuptools-tvm-ffi: {job_line}", printed, re.MULTILINE), printed
    logs = "\n".join(server.log.read_text() for server in servers)
    assert all(server.compiled() for server in servers), logs
    assert sorted(first.compiled() + second.compiled()) == sorted(sources(many)), logs
    assert_works(many, variables)


def ccache_statistics(environment: Environment, variables: dict[str, str]) -> dict[str, int]:
    process = environment.run(
        *("ccache", "--print-stats"), cwd=environment.folder, variables=variables
    )
    pairs = (line.split() for line in process.stdout.splitlines())
    return {words[0]: int(words[1]) for words in pairs}


@pytest.mark.skipif(shutil.which("ccache") is None, reason="no ccache on PATH")
def test_ccache_returns_every_object_of_an_earlier_build(many: Project, tmp_path: Path) -> None:
    folder, configuration = str(tmp_path / "ccache"), str(tmp_path / "ccache.conf")
    Path(configuration).touch()
    variables = {"CCACHE_DIR": folder, "CCACHE_CONFIGPATH": configuration}

    def build() -> tuple[int, int, bytes]:
        """Build from scratch. Return the total numbers of cache hits and misses, and the wheel."""
        shutil.rmtree(many.folder / "build", ignore_errors=True)
        many.build(
            SETUPTOOLS_TVM_FFI_COMPILER_LAUNCHER="ccache",
            SOURCE_DATE_EPOCH="1700000000",
            CCACHE_DIR=folder,
            CCACHE_CONFIGPATH=configuration,
        )
        found = ccache_statistics(many.environment, variables)
        hits = found["direct_cache_hit"] + found["preprocessed_cache_hit"]
        return hits, found["cache_miss"], many.wheel.read_bytes()

    count = len(sources(many))
    hits, misses, wheel = build()
    assert (hits, misses) == (0, count)
    assert build() == (count, count, wheel)


def test_a_launcher_of_the_project_starts_every_compile_and_no_link(
    many: Project, variables: dict[str, str], tmp_path: Path
) -> None:
    launcher = many.folder / "tools" / "launch"
    launcher.parent.mkdir()
    calls = tmp_path / "calls"
    launcher.write_text(f'#!/bin/sh\nshift\necho "$@" >> {calls}\nexec "$@"\n')
    launcher.chmod(0o755)
    launched_by(many, "tools/launch --through")
    many.build()
    launched = [
        re.findall(r"csrc/\S+\.cc?(?=\s|$)", line) for line in calls.read_text().split("\n")
    ]
    assert sorted(filter(None, launched)) == sorted([source] for source in sources(many))
    assert_works(many, variables)


def test_a_missing_launcher_is_rejected_with_its_key(project: ProjectFactory) -> None:
    small: Project = project("small")
    launched_by(small, "no-such-launcher --quiet")
    assert (
        "pyproject.toml: tool.setuptools-tvm-ffi.compiler-launcher: program 'no-such-launcher' "
        "not found"
    ) in small.refuse()
    printed = small.refuse(SETUPTOOLS_TVM_FFI_COMPILER_LAUNCHER="./nowhere")
    assert "SETUPTOOLS_TVM_FFI_COMPILER_LAUNCHER: program './nowhere' not found" in printed
    assert f"a path is relative to {small.folder}" in printed
    small.mend()
