# SPDX-License-Identifier: Apache-2.0
"""cibuildwheel reads its configuration and runs its commands, but no containers.

https://cibuildwheel.pypa.io/en/stable/options/
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from environments import REPOSITORY, Environment, environment_in, made_once, make_environment

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="cibuildwheel needs Python 3.11 or newer"
)

RESOLVE = """
import json, sys
from pathlib import Path
from cibuildwheel.options import CommandLineArguments, compute_options
from cibuildwheel.util.helpers import prepare_command
arguments = CommandLineArguments.defaults()
arguments.platform = sys.argv[1]
options = compute_options(sys.argv[1], arguments, {}).build_options(sys.argv[2])
places = json.loads(sys.argv[3])
print(json.dumps({
    "before-build": prepare_command(options.before_build, **places),
    "repair": prepare_command(options.repair_command, **places),
    "test": prepare_command(options.test_command, **places),
    "test-requires": list(options.test_requires),
    "test-sources": list(options.test_sources),
}))
"""


@pytest.fixture(scope="module")
def cibuildwheel(
    tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]
) -> Environment:
    """An environment that contains only cibuildwheel."""

    def make(folder: Path) -> None:
        environment = make_environment(folder / "venv", variables)
        environment.pip("install", "-q", "cibuildwheel>=4", cwd=folder)

    folder = made_once(tmp_path_factory, "cibuildwheel", make)
    quiet = {k: v for k, v in variables.items() if not k.startswith("CIBW_")}
    return environment_in(folder / "venv", quiet)


def identifiers(
    cibuildwheel: Environment, system: str, *options: str, project: Path = REPOSITORY
) -> list[str]:
    command = ("--print-build-identifiers", "--platform", system, *options)
    return cibuildwheel.run(
        *(cibuildwheel.python, "-m", "cibuildwheel", *command), cwd=project
    ).stdout.split()


def resolved(
    cibuildwheel: Environment,
    system: str,
    identifier: str,
    project: Path = REPOSITORY,
    **places: str | Path,
) -> dict[str, Any]:
    named = {"package": str(project), "project": str(project)}
    named.update({name: str(path) for name, path in places.items()})
    printed = cibuildwheel.run(
        *(cibuildwheel.python, "-c", RESOLVE, system, identifier, json.dumps(named)),
        cwd=project,
    ).stdout
    commands: dict[str, Any] = json.loads(printed)
    return commands


def documented() -> tuple[str, dict[str, Any]]:
    """Return the documented configuration for other projects, as text and parsed."""
    page = (REPOSITORY / "docs" / "cibuildwheel.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return block, tomllib.loads(block)["tool"]["cibuildwheel"]


def test_the_documented_configuration_differs_only_in_plugin_folder_and_tests() -> None:
    _, theirs = documented()
    ours = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    own = ours["tool"]["cibuildwheel"]
    about_tests = {"test-requires", "test-sources", "test-command"}
    assert set(theirs) == set(own)
    assert {k for k in own if own[k] != theirs[k]} == {"before-build", *about_tests}
    assert own["before-build"].replace("{package}/", "") == theirs["before-build"]
    assert theirs["test-command"].endswith(" ".join(theirs["test-sources"]))
    assert own["test-command"].endswith(" ".join(own["test-sources"]))


@pytest.mark.long
def test_cibuildwheel_accepts_the_documented_configuration(
    cibuildwheel: Environment, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(documented()[0], encoding="utf-8")
    arguments = ("--print-build-identifiers", "--platform", "macos", "--archs", "all")
    process = cibuildwheel.run(
        *(cibuildwheel.python, "-m", "cibuildwheel", *arguments), cwd=tmp_path
    )
    assert process.stdout.split() == identifiers(cibuildwheel, "macos", "--archs", "all")


@pytest.mark.long
@pytest.mark.parametrize(
    ("system", "on_x86_64", "on_arm"),
    [
        ("linux", "cp311-manylinux_x86_64", "cp311-manylinux_aarch64"),
        ("macos", "cp311-macosx_arm64", "cp311-macosx_arm64"),
        ("windows", "cp311-win_amd64", "cp311-win_arm64"),
    ],
)
def test_each_system_has_one_build(
    cibuildwheel: Environment, system: str, on_x86_64: str, on_arm: str
) -> None:
    expected = {"x86_64": on_x86_64, "aarch64": on_arm}.get(platform.machine())
    if expected is None:
        pytest.skip(f"cibuildwheel has other names on {platform.machine()}")
    assert identifiers(cibuildwheel, system) == [expected]


@pytest.mark.long
@pytest.mark.parametrize("language", ["c++", "cuda"])
def test_a_new_project_has_one_build_which_runs_its_tests(
    language: str, cibuildwheel: Environment, builder: Environment, tmp_path: Path
) -> None:
    command = ("-m", "setuptools_tvm_ffi", "new", "fast-mean", "--lang", language)
    builder.run(builder.python, *command, cwd=tmp_path)
    project = tmp_path / "fast-mean"
    (identifier,) = identifiers(cibuildwheel, "linux", project=project)
    commands = resolved(
        cibuildwheel, "linux", identifier, project=project, wheel="WHEEL", dest_dir="OUT"
    )
    assert commands["repair"] == "setuptools-tvm-ffi repair -w OUT WHEEL"
    assert commands["test-requires"] == ["pytest"]
    assert commands["test-sources"] == ["tests"]
    for system in ("macos", "windows"):
        assert len(identifiers(cibuildwheel, system, project=project)) == 1


@pytest.mark.long
@pytest.mark.parametrize("system", ["linux", "macos", "windows"])
def test_each_requested_architecture_has_one_build(cibuildwheel: Environment, system: str) -> None:
    found = identifiers(cibuildwheel, system, "--archs", "all")
    platforms = [identifier.partition("-")[2] for identifier in found]
    assert len(platforms) >= 3
    assert len(set(platforms)) == len(platforms)


@pytest.mark.long
@pytest.mark.parametrize(
    ("system", "identifier"),
    [
        ("linux", "cp311-manylinux_x86_64"),
        ("macos", "cp311-macosx_arm64"),
        ("windows", "cp311-win_amd64"),
    ],
)
def test_every_system_repairs_with_the_same_command(
    cibuildwheel: Environment, system: str, identifier: str
) -> None:
    commands = resolved(cibuildwheel, system, identifier, wheel="WHEEL", dest_dir="OUT")
    assert commands["repair"] == "setuptools-tvm-ffi repair -w OUT WHEEL"
    assert "setuptools-tvm-ffi[repair]" in commands["before-build"]


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="the commands are those for Linux")
def test_the_commands_work_as_cibuildwheel_runs_them(
    cibuildwheel: Environment, reference_wheel: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    machine = platform.machine()
    commands = resolved(
        *(cibuildwheel, "linux", f"cp311-manylinux_{machine}"),
        wheel=reference_wheel,
        dest_dir=tmp_path / "repaired",
    )
    (tmp_path / "repaired").mkdir()

    # Run the command in the environment of the building Python, with sh as in a container.
    builds = make_environment(tmp_path / "builds", variables)
    shutil.copytree(
        REPOSITORY / "setuptools-tvm-ffi",
        tmp_path / "setuptools-tvm-ffi",
        ignore=shutil.ignore_patterns("build", "*.egg-info", "tests"),
    )
    install = commands["before-build"].replace(str(REPOSITORY), str(tmp_path))
    pip = re.sub(r"^pip ", f"{sys.executable} -m pip --python {builds.python} ", install)
    builds.run("sh", "-c", pip, cwd=tmp_path)
    builds.run("sh", "-c", commands["repair"], cwd=tmp_path)
    (repaired,) = (tmp_path / "repaired").iterdir()
    assert re.search(rf"-py3-none-(manylinux_2_\d+_{machine}\.?)+", repaired.name)

    # Test in another environment, in a folder that only contains the files from `test-sources`.
    tests = make_environment(tmp_path / "tests environment", variables)
    folder = tmp_path / "test_cwd"
    for name in commands["test-sources"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    tests.pip("install", "-q", repaired, *commands["test-requires"], cwd=tmp_path)
    process = tests.run("sh", "-c", commands["test"], cwd=folder)
    assert re.search(r"\d+ passed", process.stdout)
