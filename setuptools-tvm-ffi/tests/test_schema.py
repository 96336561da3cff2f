# SPDX-License-Identifier: Apache-2.0
"""The JSON schema, in use by validate-pyproject."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from environments import REPOSITORY
from setuptools_tvm_ffi.settings.schema import FILE, tool_schema
from validate_pyproject import api
from validate_pyproject.error_reporting import ValidationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORYS_OWN = sorted(
    file.relative_to(REPOSITORY)
    for folder in ("examples", "setuptools-tvm-ffi/tests/projects")
    for file in (REPOSITORY / folder).glob("**/pyproject.toml")
    if "tool.setuptools-tvm-ffi" in file.read_text(encoding="utf-8")
)

PROJECT = """\
[project]
name = "p"
version = "1"
"""
LIBRARY = """\
[[tool.setuptools-tvm-ffi.ext-modules]]
name = "p.q"
sources = ["a.cc"]
"""
ON_LINUX = "if = \"sys_platform == 'linux'\""
OVERRIDES = f"""\
source-options = [{{ sources = "a.cc", unity = false }}, {{ sources = ["a.cc"], cxx-std = 20 }}]
overrides = [
    {{ {ON_LINUX}, cuda = ">=12.8", libraries = ["m"] }},
    {{ cuda = ">=12.8", source-options = [{{ sources = "a.cc", c-std = 17 }}] }},
]
embed = [{{ name = "a", source = "a.cu", format = "cubin" }}, {{ name = "b", file = "b.bin" }}]
[[tool.setuptools-tvm-ffi.overrides]]
{ON_LINUX}
lto = true
"""


@pytest.fixture(scope="module")
def validator() -> api.Validator:
    # validate-pyproject finds the schema through the entry point of the installed plugin.
    return api.Validator()


def test_the_shipped_schema_is_up_to_date() -> None:
    regenerate = runpy.run_path(str(REPOSITORY / "docs" / "regenerate.py"))
    assert tool_schema() == regenerate["make_schema"](), (
        f"run docs/regenerate.py to write {FILE.name}"
    )


@pytest.mark.parametrize("file", REPOSITORYS_OWN, ids=str)
def test_the_repositorys_own_projects_are_valid(validator: api.Validator, file: Path) -> None:
    validator(tomllib.loads((REPOSITORY / file).read_text(encoding="utf-8")))


def test_the_repository_contains_projects_to_validate() -> None:
    assert len(REPOSITORYS_OWN) >= 3


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[tool.setuptools-tvm-ffi]\nbuild-tpe = 'debug'\n", "build-tpe"),
        ("[tool.setuptools-tvm-ffi]\nbuild-type = 'fast'\n", "build-type"),
        ("[tool.setuptools-tvm-ffi]\njobs = 0\n", "jobs"),
        ("[tool.setuptools-tvm-ffi]\nlto = 'yes'\n", "lto"),
        (f"{LIBRARY}sorces = []\n", "sorces"),
        (f"{LIBRARY}cxx-std = 14\n", "cxx-std"),
        (f"{LIBRARY}cuda-architectures = ['90']\n", "cuda-architectures"),
        (f"{LIBRARY}extra-compile-args = {{ rust = [] }}\n", "extra-compile-args"),
        (f"{LIBRARY}source-options = [{{ unity = false }}]\n", "source-options"),
        (f"{LIBRARY}source-options = [{{ sources = 3 }}]\n", "source-options"),
        (f"{LIBRARY}source-options = [{{ sources = 'a.cc' }}]\n", "source-options"),
        (f"{LIBRARY}embed = [{{ name = 'a', file = 'b', format = 'fatbin' }}]\n", "embed"),
        (f"{LIBRARY}embed = [{{ name = 'a', file = 'b', source = 'b.cu' }}]\n", "embed"),
        (f"{LIBRARY}overrides = [{{ {ON_LINUX}, cuda = '>=12' }}]\n", "overrides"),
        (f"{LIBRARY}overrides = [{{ {ON_LINUX}, cxx-std = 14 }}]\n", "cxx-std"),
        (f"{LIBRARY}overrides = [{{ {ON_LINUX}, name = 'p.r' }}]\n", "overrides"),
        (f"{LIBRARY}overrides = [{{ libraries = ['m'] }}]\n", "overrides"),
        (f"[[tool.setuptools-tvm-ffi.overrides]]\n{ON_LINUX}\nsbom = true\n", "overrides"),
        (LIBRARY.replace("p.q", "q"), "name"),
        (LIBRARY.replace("a.cc", "a.h"), "sources"),
        (LIBRARY.replace('name = "p.q"\n', ""), "name"),
    ],
)
def test_a_mistake_is_rejected_with_its_key(
    validator: api.Validator, text: str, named: str
) -> None:
    validator(tomllib.loads(PROJECT + LIBRARY + OVERRIDES))
    with pytest.raises(ValidationError, match=named):
        validator(tomllib.loads(PROJECT + text))
