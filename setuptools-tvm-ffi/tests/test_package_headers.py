# SPDX-License-Identifier: Apache-2.0
"""Headers of another Python package and libraries of the system, in builds of a project in C."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from environments import Environment, make_environment
from made_wheels import write_wheel
from sample_projects import PROJECTS, Project, ProjectFactory

needs_pkg_config = pytest.mark.skipif(
    shutil.which("pkg-config") is None, reason="there is no pkg-config"
)

REQUIRED = '"setuptools-tvm-ffi"'
ANSWER = "import rebuilt_pkg; print(rebuilt_pkg.LIB.answer())"
BOTH = {"compile csrc/answer.c", "compile csrc/increment.c", "link librebuilt.so"}

# Each import of the package adds a character to a file.
MODULE = b"""\
import os, pathlib
with open(os.environ["IMPORTS"], "a") as stream:
    stream.write("x")
def get_include():
    return pathlib.Path(__file__).parent / "include"
"""


def release(folder: Path, version: str, answer: int) -> None:
    """Write the wheel of a package with headers. Its header causes a warning."""
    for old in folder.glob("packed_headers-*.whl"):
        old.unlink()
    header = f"static int unused_function(void) {{ return 0; }}\n#define ANSWER {answer}\n"
    files = {"packed/__init__.py": MODULE, "packed/include/packed/answer.h": header.encode()}
    write_wheel(folder, files, distribution=f"packed_headers-{version}")


def use_packed(project: Path, reference: str) -> None:
    pyproject = project / "pyproject.toml"
    text = pyproject.read_text().replace(REQUIRED, f'{REQUIRED}, "packed-headers"')
    lines = f'include-from = ["{reference}"]\nextra-compile-args = ["-Wall", "-Werror"]\n'
    pyproject.write_text(text + lines)
    (project / "csrc" / "answer.h").write_text("#pragma once\n#include <packed/answer.h>\n")


@pytest.fixture
def environment(tmp_path: Path, variables: dict[str, str]) -> Environment:
    """An environment for isolated builds, which can install the packages in `tmp_path`."""
    links = f"{variables['PIP_FIND_LINKS']} {tmp_path.as_uri()}"
    changed = {"PIP_FIND_LINKS": links, "IMPORTS": str(tmp_path / "imports")}
    return make_environment(tmp_path / "venv", {**variables, **changed})


@pytest.fixture
def rebuilt(tmp_path: Path, environment: Environment) -> Project:
    shutil.copytree(PROJECTS / "rebuilt", tmp_path / "rebuilt")
    release(tmp_path, "1.0", 1)
    return Project(tmp_path / "rebuilt", environment)


def build(project: Project) -> set[str]:
    """Build a wheel in an isolated environment, and return the steps that ninja announced."""
    process = project.environment.pip(
        *("wheel", "-v", "--no-deps", "-w", project.wheels, "."), cwd=project.folder
    )
    printed = process.stdout + process.stderr
    return set(re.findall(r"^\s*\[\d+/\d+\] (.*?)\s*$", printed, re.MULTILINE))


@pytest.mark.long
@pytest.mark.parametrize("reference", ["packed:get_include", "packed/include"])
def test_isolated_builds_with_headers_of_a_package_are_incremental(
    rebuilt: Project, tmp_path: Path, reference: str
) -> None:
    use_packed(rebuilt.folder, reference)
    assert build(rebuilt) == BOTH
    assert build(rebuilt) == set()
    imports = tmp_path / "imports"
    assert (len(imports.read_text()) if imports.exists() else 0) == reference.count(":")
    release(tmp_path, "1.1", 2)
    assert build(rebuilt) == BOTH - {"compile csrc/increment.c"}


@pytest.mark.long
def test_a_package_that_is_not_required_is_refused_with_the_line_to_add(rebuilt: Project) -> None:
    use_packed(rebuilt.folder, "packed:get_include")
    rebuilt.edit("pyproject.toml", ', "packed-headers"', "")
    process = rebuilt.environment.pip("wheel", "--no-deps", ".", cwd=rebuilt.folder, check=False)
    printed = process.stdout + process.stderr
    assert process.returncode != 0
    assert "error: pyproject.toml: tool.setuptools-tvm-ffi.ext-modules[0].include-from: " in printed
    assert re.search(r'hint: add "packed" to build-system\.requires', printed)


@pytest.mark.long
def test_rebuild_on_import_outlives_the_environment_with_the_headers(rebuilt: Project) -> None:
    environment = rebuilt.environment
    use_packed(rebuilt.folder, "packed:get_include")
    environment.pip("install", "-q", "-e", ".", cwd=rebuilt.folder)

    def answer() -> str:
        command = (environment.python, "-c", ANSWER)
        return environment.run(*command, cwd=Path("/")).stdout.strip()

    assert answer() == "1"
    assert not list(environment.site_packages.glob("packed*"))
    rebuilt.edit("csrc/answer.c", "ANSWER +", "10 * ANSWER +")
    assert answer() == "10"


@pytest.mark.long
@needs_pkg_config
def test_edited_headers_of_an_editable_package_and_flags_rebuild_on_import(
    project: ProjectFactory, variables: dict[str, str], tmp_path: Path
) -> None:
    environment = make_environment(tmp_path / "venv", {**variables, "IMPORTS": os.devnull})
    packages = ("setuptools-tvm-ffi", "wheel", "ninja", "apache-tvm-ffi")
    environment.pip("install", "-q", *packages, cwd=tmp_path)
    header = tmp_path / "source" / "packed" / "include" / "packed" / "answer.h"
    header.parent.mkdir(parents=True)
    (tmp_path / "source" / "packed" / "__init__.py").write_bytes(MODULE)
    (environment.site_packages / "packed.pth").write_text(str(tmp_path / "source"))
    copy: Project = project("rebuilt", environment)
    use_packed(copy.folder, "packed:get_include")
    with (copy.folder / "pyproject.toml").open("a") as stream:
        stream.write('pkg-config = ["tens"]\n')

    def change(tens: int, ones: int) -> None:
        module = f"Name: tens\nDescription: t\nVersion: 1\nCflags: -DTENS={tens}\n"
        (tmp_path / "tens.pc").write_text(module)
        header.write_text(f"#define ANSWER (10 * TENS + {ones})\n")

    change(0, 1)
    install = ("install", "-q", "--no-deps", "--no-build-isolation", "-e", ".")
    # The import does not have this variable.
    environment.pip(*install, cwd=copy.folder, variables={"PKG_CONFIG_PATH": str(tmp_path)})
    for tens, ones in ((0, 1), (0, 2), (3, 2), (3, 2)):
        change(tens, ones)
        command = (environment.python, "-c", ANSWER)
        assert environment.run(*command, cwd=Path("/")).stdout.strip() == str(10 * tens + ones)


@needs_pkg_config
def test_a_library_of_the_system_is_found_with_pkg_config(
    project: ProjectFactory, tmp_path: Path
) -> None:
    headers = tmp_path / "elsewhere"
    headers.mkdir()
    (headers / "answer.h").write_text("#define ANSWER (HALF + HALF)\n")
    module = f"Name: answer\nDescription: a\nVersion: 1.5\nCflags: -I{headers} -DHALF=21\n"
    (tmp_path / "answer.pc").write_text(f"{module}Libs: -L{headers} -lm\n")
    copy: Project = project("rebuilt")
    (copy.folder / "csrc" / "answer.h").write_text("#pragma once\n#include <answer.h>\n")
    with (copy.folder / "pyproject.toml").open("a") as stream:
        stream.write('pkg-config = ["answer>=1.2"]\n')
    where = {"PKG_CONFIG_PATH": str(tmp_path)}
    assert "compile csrc/answer.c" in copy.build(**where).stdout
    assert "compile csrc" not in copy.build(**where).stdout
    (tmp_path / "answer.pc").write_text(module.replace("1.5", "1.1"))
    printed = copy.refuse(**where)
    assert "ext-modules[0].pkg-config: " in printed
    assert "1.1" in printed
