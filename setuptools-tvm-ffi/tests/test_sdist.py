# SPDX-License-Identifier: Apache-2.0
"""Reproducible sdists."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from archives import assert_same_bytes, entries
from sample_projects import Project, ProjectFactory

DATE = 1600000000


def sdist_of(project: Project, umask: int, **variables: str) -> Path:
    """Return what ``setup.py sdist`` makes."""
    program = (
        f"import os, runpy, sys; os.umask({umask}); sys.argv = ['setup.py', 'sdist']; "
        "runpy.run_path('setup.py', run_name='__main__')"
    )
    project.environment.run(
        project.environment.python, "-c", program, cwd=project.folder, variables=variables
    )
    (made,) = (project.folder / "dist").iterdir()
    return made


def test_sdists_are_the_same_for_one_time(project: ProjectFactory, tmp_path: Path) -> None:
    first = project("c_only")
    made = sdist_of(first, 0o022, SOURCE_DATE_EPOCH=str(DATE))
    kept = made.rename(tmp_path / made.name)
    os.utime(first.folder / "setup.py", (1, 1))
    (first.folder / "csrc" / "increment.c").chmod(0o600)
    again = sdist_of(first, 0o077, SOURCE_DATE_EPOCH=str(DATE), TZ="Asia/Tokyo")
    assert_same_bytes(kept, again)
    assert {entry.facts[0] for entry in entries(kept).values()} == {DATE}


def test_without_a_time_files_keep_theirs(project: ProjectFactory) -> None:
    copy = project("c_only")
    os.utime(copy.folder / "setup.py", (DATE, DATE))
    sdist = sdist_of(copy, 0o022, GIT_CEILING_DIRECTORIES=str(copy.folder.parent))
    times = {name: entry.facts[0] for name, entry in entries(sdist).items()}
    assert times["c_only_project-1.0/setup.py"] == DATE
    assert len(set(times.values())) > 1


@pytest.mark.parametrize("text", ["", "now", "99999999999"])
def test_a_time_that_is_none_is_refused(project: ProjectFactory, text: str) -> None:
    printed = project("c_only").refuse(SOURCE_DATE_EPOCH=text)
    assert f"SOURCE_DATE_EPOCH is {text!r}" in printed or f"SOURCE_DATE_EPOCH is {text}," in printed
