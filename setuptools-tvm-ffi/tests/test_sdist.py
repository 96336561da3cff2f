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
    """Run ``setup.py sdist`` and return the archive."""
    program = (
        f"import os, runpy, sys; os.umask({umask}); sys.argv = ['setup.py', 'sdist']; "
        "runpy.run_path('setup.py', run_name='__main__')"
    )
    project.environment.run(
        project.environment.python, "-c", program, cwd=project.folder, variables=variables
    )
    (made,) = (project.folder / "dist").iterdir()
    return made


def test_sdists_with_the_same_source_date_are_identical(
    project: ProjectFactory, tmp_path: Path
) -> None:
    first = project("c_only")
    made = sdist_of(first, 0o022, SOURCE_DATE_EPOCH=str(DATE))
    kept = made.rename(tmp_path / made.name)
    os.utime(first.folder / "setup.py", (1, 1))
    (first.folder / "csrc" / "increment.c").chmod(0o600)
    again = sdist_of(first, 0o077, SOURCE_DATE_EPOCH=str(DATE), TZ="Asia/Tokyo")
    assert_same_bytes(kept, again)
    assert {entry.facts[0] for entry in entries(kept).values()} == {DATE}


def test_without_a_source_date_files_keep_their_timestamps(project: ProjectFactory) -> None:
    copy = project("c_only")
    os.utime(copy.folder / "setup.py", (DATE, DATE))
    sdist = sdist_of(copy, 0o022, GIT_CEILING_DIRECTORIES=str(copy.folder.parent))
    times = {name: entry.facts[0] for name, entry in entries(sdist).items()}
    assert times["c_only_project-1.0/setup.py"] == DATE
    assert len(set(times.values())) > 1


@pytest.mark.parametrize("text", ["", "now", "99999999999"])
def test_an_invalid_source_date_is_rejected(project: ProjectFactory, text: str) -> None:
    printed = project("c_only").refuse(SOURCE_DATE_EPOCH=text)
    assert f"SOURCE_DATE_EPOCH is {text!r}" in printed or f"SOURCE_DATE_EPOCH is {text}," in printed


def names(sdist: Path) -> set[str]:
    """Return the paths in an sdist, relative to its top-level folder."""
    return {name.partition("/")[2] for name in entries(sdist)}


def test_files_left_by_a_killed_sdist_are_not_packed(project: ProjectFactory) -> None:
    copy = project("c_only")
    for folder in ("c_only_project-1.0", "build/sdist/c_only_project-1.0"):
        (copy.folder / folder / "csrc").mkdir(parents=True)
        (copy.folder / folder / "csrc/old.h").touch()
    packed = names(sdist_of(copy, 0o022))
    assert "csrc/increment.c" in packed
    assert not [name for name in packed if "old.h" in name]
    assert not (copy.folder / "build/sdist/c_only_project-1.0").exists()


def test_files_that_the_manifest_excludes_are_not_packed(project: ProjectFactory) -> None:
    copy = project("c_only")
    for name in ("table", "notes"):
        (copy.folder / "csrc" / name).touch()
    (copy.folder / "MANIFEST.in").write_text("exclude csrc/notes\n")
    packed = names(sdist_of(copy, 0o022))
    assert "csrc/table" in packed
    assert "csrc/notes" not in packed


def test_an_sdist_does_not_depend_on_the_location_of_the_build_folder(
    project: ProjectFactory, tmp_path: Path
) -> None:
    copy = project("c_only")
    packed = names(sdist_of(copy, 0o022))
    (copy.folder / "dist").rename(tmp_path / "first")
    (copy.folder / "setup.cfg").write_text(f"[build]\nbuild-base = {tmp_path / 'elsewhere'}\n")
    assert names(sdist_of(copy, 0o022)) == packed
    assert "build/c_only_project.egg-info/SOURCES.txt" in packed


def test_a_file_that_is_no_longer_declared_is_not_packed(project: ProjectFactory) -> None:
    copy = project("c_only")
    (copy.folder / "notes.txt").touch()
    (copy.folder / "MANIFEST.in").write_text("include notes.txt\n")
    first = sdist_of(copy, 0o022)
    assert "notes.txt" in names(first)
    first.unlink()
    (copy.folder / "MANIFEST.in").unlink()
    assert "notes.txt" not in names(sdist_of(copy, 0o022))


def test_a_link_out_of_the_project_is_rejected(project: ProjectFactory) -> None:
    copy = project("c_only")
    (copy.folder.parent / "shared.h").touch()
    (copy.folder / "csrc" / "linked.h").symlink_to("../../shared.h")
    program = "import setuptools_tvm_ffi.build_meta as b; b.build_sdist('dist')"
    process = copy.environment.run(
        copy.environment.python, "-I", "-c", program, cwd=copy.folder, check=False
    )
    assert process.returncode == 1
    assert "error: 'csrc/linked.h' lies outside the project" in process.stderr
    assert "Traceback" not in process.stderr
    assert not list(copy.folder.glob("dist/*"))
