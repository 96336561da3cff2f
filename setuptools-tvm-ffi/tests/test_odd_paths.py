# SPDX-License-Identifier: Apache-2.0
"""Folders with characters that are special for shells, ninja, compilers and linkers."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from environments import BUILD_REQUIREMENTS, QUICK, Environment, make_environment
from sample_projects import PROJECTS

pytestmark = pytest.mark.long

#: Before Python 3.10, pip uses distutils to find the installation folders, and distutils expands
#: `$HOME` in the environment's path.
DOLLAR = "$HOME" if sys.version_info >= (3, 10) else "$ "

ODD_NAMES = {
    # a space, both kinds of quotes, a `$`, a `#` and non-ASCII letters
    "all": DOLLAR + '\'s "größe" #1 日本語',
    "percent-and-equals": "100%=all",
    "deep": "/".join(["a" * 49] * 4),
}


def assert_it_works(environment: Environment, folder: Path) -> None:
    program = (
        "import small_pkg; print(small_pkg.add_shared(41), small_pkg.Point(1.0, 3.0).middle())"
    )
    printed = environment.run(environment.python, "-c", program, cwd=folder).stdout
    assert printed.split() == ["42", "2.0"]


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES.keys())
def test_a_project_and_an_environment_in_an_odd_folder_build_and_work(
    name: str, variables: dict[str, str], plugin_wheel: Path, tmp_path: Path
) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    shutil.copytree(PROJECTS / "small", folder / "project")
    environment = make_environment(folder / "venv", {**variables, **QUICK})
    # Build without isolation, so that the headers are in the environment with the odd path.
    environment.pip("install", "-q", *BUILD_REQUIREMENTS, plugin_wheel, cwd=folder)
    install = ("install", "-q", "--no-build-isolation", "--no-deps")
    environment.pip(*install, ".", cwd=folder / "project")
    assert_it_works(environment, tmp_path)
    environment.pip(*install, "-e", ".", cwd=folder / "project")
    assert_it_works(environment, tmp_path)


def test_a_source_with_an_odd_name_is_compiled_and_its_headers_are_tracked(
    builder: Environment, tmp_path: Path
) -> None:
    folder = tmp_path / "small"
    shutil.copytree(PROJECTS / "small", folder)
    odd = folder / "csrc" / "it's #1 $of größe (a & b)"
    odd.mkdir()
    (folder / "csrc" / "point.cc").rename(odd / "point 'two'.cc")
    (folder / "csrc" / "only_point.h").rename(odd / "only_point.h")
    setup = folder / "setup.py"
    setup.write_text(setup.read_text().replace("csrc/*.cc", "csrc/**/*.cc"))
    command = ("wheel", "-v", "--no-deps", "--no-build-isolation", "-w", tmp_path / "dist", ".")
    builder.pip(*command, cwd=folder, variables=QUICK)
    header = odd / "only_point.h"
    header.write_text(header.read_text().replace("x / 2", "x * 0.5"))
    process = builder.pip(*command, cwd=folder, variables=QUICK)
    printed = process.stdout + process.stderr
    assert "[1/2] compile csrc/it's #1 $of größe (a & b)/point 'two'.cc" in printed


@pytest.mark.skipif(sys.platform != "linux", reason="a locale whose encoding is ASCII")
def test_a_source_whose_name_the_locale_cannot_encode_is_compiled(
    builder: Environment, tmp_path: Path
) -> None:
    folder = tmp_path / "c_only"
    shutil.copytree(PROJECTS / "c_only", folder)
    (folder / "csrc" / "größe.c").write_text("int unused;\n")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = ("wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path / "dist", ".")
    builder.pip(*command, cwd=folder, variables={**QUICK, **ascii_only})


def test_an_isolated_environment_in_an_odd_folder_works(
    variables: dict[str, str], tmp_path: Path
) -> None:
    temporary = tmp_path / ODD_NAMES["all"]
    temporary.mkdir()
    shutil.copytree(PROJECTS / "small", tmp_path / "small")
    environment = make_environment(tmp_path / "venv", {**variables, **QUICK})
    where = {"TMPDIR": str(temporary)}
    environment.pip("install", "-q", ".", cwd=tmp_path / "small", variables=where)
    assert_it_works(environment, tmp_path)
