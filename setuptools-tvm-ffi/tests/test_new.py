# SPDX-License-Identifier: Apache-2.0
"""Create projects with ``setuptools-tvm-ffi new``, and do with them what their README says.

docs/getting-started.md quotes `uv run pytest`.
"""

from __future__ import annotations

import itertools
import re
import shutil
import sys
from pathlib import Path

import pytest
from environments import Environment, make_environment
from sample_projects import Project
from setuptools_tvm_ffi.scaffold.project import LANGUAGES

COMBINATIONS = list(itertools.product(LANGUAGES, (False, True), (False, True)))
#: The combinations that the quick tests build. They contain every pair of two options.
PAIRWISE = {
    ("c", False, False),
    ("c", True, True),
    ("c++", False, True),
    ("c++", True, False),
    ("cuda", False, False),
    ("cuda", True, True),
}


def create(builder: Environment, folder: Path, *options: str) -> Path:
    command = (builder.python, "-m", "setuptools_tvm_ffi", "new", "fast-mean", *options)
    builder.run(*command, cwd=folder)
    return folder / "fast-mean"


@pytest.fixture(scope="module")
def tester(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> Environment:
    """An environment that contains what the tests of projects need, mypy and uv."""
    environment = make_environment(tmp_path_factory.mktemp("tester") / "venv", variables)
    environment.pip(
        "install", "-q", "apache-tvm-ffi", "mypy", "pytest", "uv", cwd=environment.folder
    )
    return environment


def test_the_commands_of_the_readme_build_and_test_a_project(
    builder: Environment, tmp_path: Path, variables: dict[str, str]
) -> None:
    project = create(builder, tmp_path, "--lang", "c")
    readme = (project / "README.md").read_text()
    block = re.search(r"With pip:\n\n```sh\n(.*?)```", readme, re.DOTALL)
    assert block is not None
    commands = [line.partition(" #")[0] for line in block[1].splitlines()]
    assert commands == [
        "python -m venv .venv",
        ". .venv/bin/activate",
        "pip install -e . pytest",
        "pytest",
    ]
    environment = make_environment(project / ".venv", variables)
    environment.pip(*commands[2].split()[1:], cwd=project)
    printed = environment.run(environment.folder / "bin" / "pytest", cwd=project).stdout
    assert "2 passed" in printed
    # The example in the README, as a test.
    command = (environment.python, "-m", "doctest", "README.md")
    environment.run(*command, cwd=project)


def test_the_quick_tests_cover_every_pair_of_options() -> None:
    for first, second in itertools.combinations(range(3), 2):
        pairs = {(options[first], options[second]) for options in COMBINATIONS}
        assert {(options[first], options[second]) for options in PAIRWISE} == pairs


@pytest.mark.parametrize(
    ("language", "with_class", "setup_py"),
    [
        pytest.param(*options, marks=() if options in PAIRWISE else pytest.mark.long)
        for options in COMBINATIONS
    ],
)
def test_every_kind_of_project_builds_is_typed_and_passes_its_tests(
    language: str,
    with_class: bool,  # noqa: FBT001 - a parameter of the test
    setup_py: bool,  # noqa: FBT001
    builder: Environment,
    tester: Environment,
    tmp_path: Path,
) -> None:
    if language == "cuda" and shutil.which("nvcc") is None:
        pytest.skip("no nvcc on PATH")
    options = ["--lang", language]
    options += ["--with-class"] * with_class + ["--setup-py"] * setup_py
    folder = create(builder, tmp_path, *options)
    project = Project(folder, builder)
    build = project.build(TVM_FFI_CUDA_ARCH_LIST="8.0")
    assert "warning" not in re.sub(r"warnings-as-errors", "", build.stdout + build.stderr).lower()
    assert {"fast_mean/py.typed", "fast_mean/_ffi_api.pyi"} <= project.names()
    assert "-py3-none-" in project.wheel.name
    assert "Requires-Dist: apache-tvm-ffi" in project.metadata("METADATA")

    site = tmp_path / "site"
    tester.pip("install", "-q", "--no-deps", "--target", site, project.wheel, cwd=tmp_path)
    paths = {"PYTHONPATH": str(site), "MYPYPATH": str(site)}
    tests = shutil.copytree(folder / "tests", tmp_path / "copy" / "tests")
    mypy = ("mypy", "--strict", "--cache-dir", str(tester.folder / "mypy"))
    for command in (("pytest", "tests"), (*mypy, "tests", str(site / "fast_mean"))):
        tester.run(tester.python, "-m", *command, cwd=tests.parent, variables=paths)


@pytest.mark.long
def test_an_editable_install_changes_only_the_package(builder: Environment, tmp_path: Path) -> None:
    """The stubs are ignored by git, and the first build completes ``__init__.py``."""
    project = create(builder, tmp_path, "--with-class")
    for command in (("init", "-q"), ("add", "-A")):
        builder.run("git", *command, cwd=project)
    environment = make_environment(tmp_path / "venv", builder.variables)
    environment.pip("install", "-q", "-e", ".", cwd=project)
    changed = builder.run("git", "status", "--porcelain", "-uall", cwd=project).stdout.splitlines()
    assert [line[3:] for line in changed if line[1] != " "] == ["src/fast_mean/__init__.py"]


@pytest.mark.long
def test_uv_builds_again_after_a_change_of_a_source(
    builder: Environment, tester: Environment, tmp_path: Path
) -> None:
    project = create(builder, tmp_path)
    # The local wheelhouse has no wheels for other systems and Pythons.
    here = f"sys_platform == 'linux' and python_version == '3.{sys.version_info.minor}'"
    pyproject = project / "pyproject.toml"
    text = pyproject.read_text()
    pyproject.write_text(text.replace("[tool.uv]", f'[tool.uv]\nenvironments = ["{here}"]'))
    variables = {"UV_CACHE_DIR": str(tmp_path / "cache"), "UV_PYTHON": tester.python}
    command = ("uv", "run", "pytest", "-q")
    assert "2 passed" in tester.run(*command, cwd=project, variables=variables).stdout
    source = project / "csrc" / "mean.cc"
    source.write_text(source.read_text().replace("at least one value", "a value"))
    printed = tester.run(*command, cwd=project, variables=variables, check=False).stdout
    assert "1 failed, 1 passed" in printed
