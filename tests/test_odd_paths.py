# SPDX-License-Identifier: Apache-2.0
"""Folders with names that shells, ninja, compilers and linkers take apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import BUILD_REQUIREMENTS, QUICK, copy_repository, make_environment

ODD_NAMES = {
    "space": "a folder",
    "single-quote": "it's",
    "double-quote": 'so "called"',
    "dollar": "$HOME and $$",
    "hash": "c#",
    "non-ascii": "größe-日本語",
    "percent-and-equals": "100%=all",
    "deep": "/".join(["a" * 49] * 4),
}


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES.keys())
def test_a_project_and_an_environment_in_an_odd_folder_build_and_work(
    name: str, variables: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    source = copy_repository(folder / "project")
    environment = make_environment(folder / "venv", {**variables, **QUICK})
    # The environment holds the headers that are compiled against: no isolation.
    environment.pip("install", "-q", *BUILD_REQUIREMENTS, cwd=folder)
    environment.pip("install", "-q", "--no-build-isolation", "--no-deps", ".", cwd=source)
    tour = environment.run(environment.python, "-m", "my_ffi_extension", cwd=tmp_path)
    assert tour.stdout.rstrip().endswith("OK: everything works.")
