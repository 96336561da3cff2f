# SPDX-License-Identifier: Apache-2.0
"""Several builds of one tree, and builds that are ended half-way."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import zipfile
from pathlib import Path

from environments import QUICK
from sample_projects import Project, ProjectFactory


def start_build(project: Project, folder: Path) -> subprocess.Popen[str]:
    program = f"from setuptools_tvm_ffi.build_meta import build_wheel; build_wheel({str(folder)!r})"
    return subprocess.Popen(
        [project.environment.python, "-I", "-c", program],
        cwd=project.folder,
        env={**project.environment.variables, **QUICK},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_builds_of_one_tree_at_once_all_end_with_the_right_wheel(
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


def test_a_build_that_waits_says_so_and_goes_on_when_the_other_is_killed(
    project: ProjectFactory, tmp_path: Path
) -> None:
    small: Project = project("small")
    (tmp_path / "holding.py").write_text(
        "import sys, time; from pathlib import Path\n"
        "from setuptools_tvm_ffi.build_lock import build_lock\n"
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
    while "waiting for another build in" not in line:
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
