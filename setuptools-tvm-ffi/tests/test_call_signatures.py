# SPDX-License-Identifier: Apache-2.0
"""Keywords and defaults of functions whose docstrings declare them (`call-signatures`).

docs/typing.md quotes docstrings and signatures.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from environments import QUICK, Environment, make_environment
from sample_projects import Project, ProjectFactory

PACKAGE = "described_pkg"
SOURCE = "csrc/scale.c"
DECLARED = "scale(value, factor)"

#: Calls the library's function, and checks the output of `help`.
PROGRAM = f"""
import inspect, pydoc
from {PACKAGE} import scale
assert scale(3) == scale(value=3) == scale(3, factor=2) == 6
assert scale(3, factor=5) == 15
assert str(inspect.signature(scale)) == "(value, *, factor=2)"
assert "scale(value, *, factor=2)\\n    scale(value" in pydoc.plain(pydoc.render_doc(scale))
assert scale.__doc__.endswith("Multiply two numbers."), scale.__doc__
assert (scale.__name__, scale.__qualname__) == ("scale", "scale")
try:
    scale(3, 2)
except TypeError as error:
    assert "positional" in str(error)
else:
    raise AssertionError("a keyword-only parameter was passed by position")
"""


@pytest.fixture
def described(project: ProjectFactory) -> Project:
    copy: Project = project("described")
    table = "[[tool.setuptools-tvm-ffi.ext-modules]]\n"
    copy.edit("pyproject.toml", table, f"{table}call-signatures = true\n")
    return copy


def stubs(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = (project.environment.python, "-m", "setuptools_tvm_ffi", "stubs", *arguments)
    return project.environment.run(*command, cwd=project.folder, variables=QUICK, check=False)


@pytest.fixture
def installed(tmp_path: Path, variables: dict[str, str]) -> Environment:
    environment = make_environment(tmp_path / "venv", variables)
    environment.pip("install", "-q", "apache-tvm-ffi", cwd=tmp_path)
    return environment


def test_a_function_takes_the_keywords_that_its_docstring_declares(
    described: Project, installed: Environment, tmp_path: Path
) -> None:
    described.edit(SOURCE, DECLARED, "scale(value, *, factor=2)")
    described.build()
    stub = described.read(f"{PACKAGE}/_ffi_api.pyi")
    assert "def scale(value: int, *, factor: int = 2) -> int:" in stub
    installed.pip("install", "-q", "--no-deps", described.wheel, cwd=tmp_path)
    installed.run(installed.python, "-I", "-W", "error", "-c", PROGRAM, cwd=tmp_path)


def test_committed_modules_follow_the_docstring(described: Project) -> None:
    api = described.folder / PACKAGE / "_ffi_api.py"
    assert stubs(described).returncode == 0
    assert "def _tvm_ffi_prototype(value, factor):" in api.read_text()
    assert stubs(described, "--check").returncode == 0
    described.edit(SOURCE, DECLARED, "scale(value, factor=2)")
    checked = stubs(described, "--check")
    assert checked.returncode == 1
    assert "+def _tvm_ffi_prototype(value, factor=2):" in checked.stdout
    described.edit("pyproject.toml", "call-signatures = true\n", "")
    assert stubs(described).returncode == 0
    assert "prototype" not in api.read_text()


def test_a_line_that_does_not_fit_the_registered_types_is_rejected(described: Project) -> None:
    described.edit(SOURCE, DECLARED, "scale(value, factor=2.5)")
    printed = described.refuse()
    for word in ("call-signatures", "'described_pkg.scale'", "scale(value, factor=2.5)", "2.5"):
        assert word in printed
    assert "(int, int) -> int" in printed
