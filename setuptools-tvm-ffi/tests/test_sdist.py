# SPDX-License-Identifier: Apache-2.0
"""What an sdist holds beside files: one time and no one's permissions, or what setuptools has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from archives import assert_same_bytes, entries
from sample_projects import Project, ProjectFactory
from setuptools_tvm_ffi.project.source_date import sdist_date

DATE = 1600000000


def sdists(project: Project, formats: str, umask: int, **variables: str) -> list[Path]:
    """Return what ``setup.py sdist`` makes."""
    program = (
        f"import os, runpy, sys; os.umask({umask}); sys.argv = ['setup.py', 'sdist', "
        f"'--formats={formats}']; runpy.run_path('setup.py', run_name='__main__')"
    )
    project.environment.run(
        project.environment.python, "-c", program, cwd=project.folder, variables=variables
    )
    return sorted((project.folder / "dist").iterdir())


def test_archives_of_every_format_are_the_same_for_one_time(
    project: ProjectFactory, tmp_path: Path
) -> None:
    first = project("c_only")
    made = sdists(first, "gztar,zip", 0o022, SOURCE_DATE_EPOCH=str(DATE))
    kept = [file.rename(tmp_path / file.name) for file in made]
    os.utime(first.folder / "setup.py", (1, 1))
    (first.folder / "csrc" / "increment.c").chmod(0o600)
    again = sdists(first, "gztar,zip", 0o077, SOURCE_DATE_EPOCH=str(DATE), TZ="Asia/Tokyo")
    assert [file.suffix for file in again] == [".gz", ".zip"]
    for one, other in zip(kept, again):
        assert_same_bytes(one, other)
        assert {entry.facts[0] for entry in entries(one).values()} <= {
            *(DATE, (2020, 9, 13, 12, 26, 40))
        }
        # It says so in a file as well, for who unpacks without the times.
        (tmp_path / one.suffix).mkdir()
        for name in ("PKG-INFO", "setup.cfg"):
            content = entries(one)[f"c_only_project-1.0/{name}"].content
            (tmp_path / one.suffix / name).write_bytes(content)
        assert sdist_date(tmp_path / one.suffix) == DATE
    assert not (first.folder / "setup.cfg").exists()


def test_without_a_time_files_keep_theirs_and_it_is_said(project: ProjectFactory) -> None:
    copy = project("c_only")
    os.utime(copy.folder / "setup.py", (DATE, DATE))
    (sdist,) = sdists(copy, "gztar", 0o022, GIT_CEILING_DIRECTORIES=str(copy.folder.parent))
    times = {name: entry.facts[0] for name, entry in entries(sdist).items()}
    assert times["c_only_project-1.0/setup.py"] == DATE
    assert len(set(times.values())) > 1


@pytest.mark.parametrize("text", ["", "now", "99999999999"])
def test_a_time_that_is_none_is_refused(project: ProjectFactory, text: str) -> None:
    printed = project("c_only").refuse(SOURCE_DATE_EPOCH=text)
    assert f"SOURCE_DATE_EPOCH is {text!r}" in printed or f"SOURCE_DATE_EPOCH is {text}," in printed
