# SPDX-License-Identifier: Apache-2.0
"""After each random edit, the incremental wheel and the wheel of a clean build are identical.

``nox -s edits`` runs 300 edits, 100 kills and eight builds in parallel.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from edited_builds import EditedBuilds, linked_to, run_steps
from environments import Environment, make_environment
from killed_builds import STAGES, count_events, start_to_be_killed, was_killed
from random_edits import EDITS, RESET, EditedProject

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses options of GNU ld")

SEED = 20_240


@pytest.fixture
def importer(builder: Environment, variables: dict[str, str], tmp_path: Path) -> Environment:
    environment = make_environment(tmp_path / "venv", variables)
    return linked_to(environment, builder)


def edited(
    builder: Environment, importer: Environment, folder: Path, seed: int, *suffixes: str
) -> EditedBuilds:
    """Generate the project. Its sources have these suffixes in turn."""
    project = EditedProject(folder, random.Random(seed), suffixes or ("c",))
    project.generate()
    return EditedBuilds(project, builder, importer, folder, {"CCACHE_DISABLE": "1"})


def test_enough_kinds_of_edit_exist() -> None:
    assert len(EDITS) >= 30
    assert len({edit.name for edit in EDITS}) == len(EDITS)


def test_15_edits_give_the_wheels_of_clean_builds(
    builder: Environment, importer: Environment, tmp_path: Path
) -> None:
    run_steps(edited(builder, importer, tmp_path, SEED), 15, SEED)


@pytest.mark.long
def test_60_edits_give_the_wheels_of_clean_builds(
    builder: Environment, importer: Environment, tmp_path: Path
) -> None:
    run_steps(edited(builder, importer, tmp_path, SEED + 1), 60, SEED + 1)


@pytest.mark.long
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc on PATH")
def test_edits_of_a_project_in_cxx_and_cuda_give_the_wheels_of_clean_builds(
    builder: Environment, importer: Environment, tmp_path: Path
) -> None:
    run_steps(edited(builder, importer, tmp_path, SEED + 2, "cc", "cc", "cu"), 12, SEED + 2)


@pytest.mark.long
@pytest.mark.skipif(shutil.which("ccache") is None, reason="no ccache on PATH")
def test_edits_give_the_wheels_of_clean_builds_with_a_compiler_cache(
    builder: Environment, importer: Environment, tmp_path: Path
) -> None:
    builds = edited(builder, importer, tmp_path, SEED + 3)
    builds.project.use_launcher("ccache")
    builds.extra = {"CCACHE_DIR": str(tmp_path / "cache")}
    run_steps(builds, 20, SEED + 3)


ABOUT_BATCHES = {
    *("source edited", "source added", "source removed", "source renamed", "header edited"),
    *("header appears earlier on the include path", "source broken, then fixed"),
    *("header that __has_include names appears", "header beside the source disappears"),
    *("all files touched", "fresh checkout over the kept build folder", "permissions changed"),
    *("header appears beside the source", "SOURCE_DATE_EPOCH changed"),
}
ABOUT_HEADERS = {
    *("source edited", "source added", "source removed", "header edited", "all files touched"),
    *(
        "header overwritten in place with the same size and time",
        "header restored with an old time",
    ),
    *("header appears earlier on the include path", "header of a header appears earlier"),
    *("header missing, then restored with an old time", "define-macros changed"),
    *("fresh checkout over the kept build folder", "CFLAGS changed", "compiler wrapper edited"),
    "object deleted",
}


@pytest.mark.long
@pytest.mark.parametrize("suffix", ["c", "cc"])
def test_edits_give_the_wheels_of_clean_unity_builds(
    builder: Environment, importer: Environment, tmp_path: Path, suffix: str
) -> None:
    builds = edited(builder, importer, tmp_path, SEED + 7, suffix)
    builds.project.batch_size = 4
    builds.project.write_settings()
    edits = [edit for edit in EDITS if edit.name in ABOUT_BATCHES]
    assert len(edits) == len(ABOUT_BATCHES)
    run_steps(builds, 12, SEED + 7, edits)


@pytest.mark.long
@pytest.mark.parametrize("suffix", ["c", "cc"])
def test_edits_give_the_wheels_of_clean_builds_with_a_precompiled_header(
    builder: Environment, importer: Environment, tmp_path: Path, suffix: str
) -> None:
    builds = edited(builder, importer, tmp_path, SEED + 8, suffix)
    headers = ("<tvm/ffi/c_api.h>", "include/second/shared_0.h", "include/second/outer.h")
    builds.project.precompiled = headers
    builds.project.write_settings()
    edits = [edit for edit in EDITS if edit.name in ABOUT_HEADERS]
    assert len(edits) == len(ABOUT_HEADERS)
    run_steps(builds, 12, SEED + 8, edits)


@pytest.mark.edits
def test_300_edits_give_the_wheels_of_clean_builds(
    builder: Environment, importer: Environment, tmp_path: Path
) -> None:
    run_steps(edited(builder, importer, tmp_path, SEED + 4), 300, SEED + 4)


@pytest.mark.parametrize(
    "kills",
    [pytest.param(10, marks=pytest.mark.long), pytest.param(100, marks=pytest.mark.edits)],
)
def test_builds_after_kills_give_the_wheels_of_clean_builds(
    builder: Environment, importer: Environment, tmp_path: Path, kills: int
) -> None:
    builds = edited(builder, importer, tmp_path, SEED + 5)
    choice = random.Random(SEED + 5)
    builds.start()
    events = count_events(builds)
    edits = [edit for edit in EDITS if edit.changes]
    killed: list[str] = []
    while len(killed) < kills:
        stage = STAGES[len(killed) % len(STAGES)]
        # If a build has fewer events, it is not killed. The checks are the same in both cases.
        event = choice.randint(1, events.get(stage, 4) * 3 // 4)

        def kill(stage: str = stage, event: int = event) -> None:
            if was_killed(start_to_be_killed(builds, stage, event)):
                killed.append(stage)

        builds.step(choice.choice(edits), choice, first=kill)
        builds.step(RESET, choice)


@pytest.mark.edits
def test_eight_builds_in_parallel_give_the_wheels_of_clean_builds(
    builder: Environment, importer: Environment, tmp_path: Path
) -> None:
    builds = edited(builder, importer, tmp_path, SEED + 6)
    choice = random.Random(SEED + 6)
    builds.start()
    for edit in choice.sample([edit for edit in EDITS if edit.changes], 8):
        builds.step(edit, choice, first=partial(build_in_parallel, builds))
        builds.step(RESET, choice)


def build_in_parallel(builds: EditedBuilds) -> None:
    """Run eight builds in parallel, and assert that all wheels are equal."""
    started: dict[Path, subprocess.Popen[str]] = {}
    for number in range(8):
        folder = builds.folder / f"parallel-{number}"
        shutil.rmtree(folder, ignore_errors=True)
        started[folder] = builds.start_build(folder)
    printed = [build.communicate()[0] for build in started.values()]
    assert [build.returncode for build in started.values()] == [0] * 8, printed
    wheels = {next(folder.glob("*.whl")).read_bytes() for folder in started}
    assert len(wheels) == 1, builds.history
