# SPDX-License-Identifier: Apache-2.0
"""The setting `platform-tag` in builds with frontends, on Linux, which has several tags."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from environments import BUILD_REQUIREMENTS, QUICK, Environment, make_environment
from sample_projects import Project, ProjectFactory

MACHINE = platform.machine()
#: The symbol version of `getentropy`, which the library uses. The manylinux tag that allows it is
#: the tag for glibc 2.26.
VERSION = "GLIBC_2.25"
TAG = f"manylinux_2_26_{MACHINE}"


@pytest.fixture(scope="module")
def auditing(
    tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str], plugin_wheel: Path
) -> Environment:
    """An environment for builds without isolation, with the packages that read libraries."""
    folder = tmp_path_factory.mktemp("auditing")
    environment = make_environment(folder / "venv", variables)
    wanted = (*BUILD_REQUIREMENTS, "build", f"setuptools-tvm-ffi[audit] @ {plugin_wheel.as_uri()}")
    environment.pip("install", "-q", *wanted, cwd=folder)
    return environment


@pytest.fixture
def versioned(project: ProjectFactory, auditing: Environment) -> Project:
    """A C library that needs a symbol version that older manylinux tags do not allow."""
    made: Project = project("c_only", auditing)
    made.edit("pyproject.toml", '"setuptools.build_meta"', '"setuptools_tvm_ffi.build_meta"')
    made.edit("pyproject.toml", '"apache-tvm-ffi", "ninja"', '"apache-tvm-ffi"')
    made.edit(
        "csrc/increment.c",
        "#include <tvm/ffi/c_api.h>\n",
        "#include <tvm/ffi/c_api.h>\nextern int getentropy(void* buffer, size_t length);\n",
    )
    made.edit("csrc/increment.c", "v_int64 + 1;", "v_int64 + 1 + getentropy(0, 0);")
    return made


def set_tag(project: Project, tag: str) -> None:
    with (project.folder / "pyproject.toml").open("a") as stream:
        stream.write(f'\n[tool.setuptools-tvm-ffi]\nplatform-tag = "{tag}"\n')


def test_frontends_build_wheels_with_the_tag_that_auditwheel_chooses(
    versioned: Project, tmp_path: Path
) -> None:
    set_tag(versioned, "auto")
    environment, where = versioned.environment, versioned.folder
    # Build in an isolated environment with the requirements of the hooks, and in this environment.
    isolated = ("wheel", "-q", "--no-deps", "-w", tmp_path / "pip", ".")
    environment.pip(*isolated, cwd=where, variables=QUICK)
    build = (
        environment.python,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "-o",
        tmp_path / "build",
    )
    environment.run(*build, cwd=where, variables=QUICK)
    (of_pip,), (of_build,) = (
        list((tmp_path / frontend).iterdir()) for frontend in ("pip", "build")
    )
    assert of_pip.name == of_build.name == f"c_only_project-1.0-py3-none-{TAG}.whl"

    show = [sys.executable, "-m", "auditwheel", "show", "--json", str(of_pip)]
    shown = json.loads(subprocess.run(show, capture_output=True, text=True, check=True).stdout)
    # auditwheel reports another tag for the wheel, because it does not find libtvm_ffi.
    assert shown["sym_tag"] == TAG
    assert VERSION in shown["versioned_symbols"]["libc.so.6"]


def test_an_unsatisfied_tag_is_rejected_and_a_satisfied_tag_is_used(
    versioned: Project,
) -> None:
    with (versioned.folder / "c_only_pkg" / "gone.py").open("w") as stream:
        stream.write("stale = True\n")
    printed = versioned.refuse(config_settings={"platform-tag": "manylinux_2_17"})
    wanted = (
        f"--config-settings platform-tag: the libraries do not satisfy 'manylinux_2_17_{MACHINE}':"
    )
    assert f"setuptools-tvm-ffi: error: {wanted}\n" in printed
    needs = f"c_only_pkg/libc_only.so: needs {VERSION} of libc.so.6 (for getentropy)"
    assert f"setuptools-tvm-ffi: error:   {needs}\n" in printed
    assert f"setuptools-tvm-ffi: hint: the lowest tag that they satisfy is '{TAG}'" in printed

    # The files of the rejected wheel are not in the next wheel.
    (versioned.folder / "c_only_pkg" / "gone.py").unlink()
    versioned.build(config_settings={"platform-tag": "manylinux_2_28"})
    assert versioned.wheel.name == f"c_only_project-1.0-py3-none-manylinux_2_28_{MACHINE}.whl"
    assert "c_only_pkg/gone.py" not in versioned.names()
    tags = re.findall(r"^Tag: (.*)$", versioned.metadata("WHEEL"), re.MULTILINE)
    assert tags == [f"py3-none-manylinux_2_28_{MACHINE}"]


def test_a_build_without_lief_or_auditwheel_reports_what_to_install(
    versioned: Project, builder: Environment
) -> None:
    set_tag(versioned, "auto")
    without = Project(versioned.folder, builder)
    printed = without.refuse()
    assert "error: LIEF is not installed" in printed
    assert "hint: python -m pip install 'setuptools-tvm-ffi[audit]'\n" in printed


def test_only_builds_with_a_platform_tag_require_lief_and_auditwheel(
    versioned: Project,
) -> None:
    def asked_for(hook: str, settings: dict[str, str]) -> set[str]:
        program = (
            f"import json; from setuptools_tvm_ffi.build_meta import {hook}; "
            f"print('\\n' + json.dumps({hook}({settings!r})))"
        )
        command = (versioned.environment.python, "-I", "-c", program)
        printed = versioned.environment.run(*command, cwd=versioned.folder).stdout
        return {re.split(r"\W", need)[0] for need in json.loads(printed.splitlines()[-1])}

    hook, auto = "get_requires_for_build_wheel", {"platform-tag": "auto"}
    assert asked_for(hook, auto) - asked_for(hook, {}) == {"auditwheel", "lief"}
    assert not {"auditwheel", "lief"} & asked_for("get_requires_for_build_editable", auto)
