# SPDX-License-Identifier: Apache-2.0
"""Options for some sources, and settings for some targets.

docs/sources-and-targets.md quotes a source.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
from environments import QUICK, REPOSITORY, Environment
from sample_projects import Project
from setuptools_tvm_ffi.settings.parser import parse_project

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = sys.platform
PYPROJECT = f"""\
[build-system]
requires = ["setuptools>=77", "setuptools-tvm-ffi"]
build-backend = "setuptools_tvm_ffi.build_meta"

[project]
name = "options-project"
version = "1.0"
dynamic = ["dependencies"]

[tool.setuptools]
packages = ["options_pkg"]

[[tool.setuptools-tvm-ffi.overrides]]
if = "os_name in 'posix nt'"
strip = true

[[tool.setuptools-tvm-ffi.ext-modules]]
name = "options_pkg.options"
sources = ["csrc/*.c"]
stubs = "none"
source-options = [
    {{ sources = "csrc/wide.c", extra-compile-args = ["-DWIDE"], include-dirs = ["wide"] }},
]
overrides = [
    {{ if = "sys_platform == '{HERE}'", sources = ["here/*.c"], define-macros = [["HERE"]] }},
    {{ if = "sys_platform != '{HERE}'", sources = ["elsewhere/*.c"] }},
]
"""
SOURCES = {
    "csrc/base.c": """\
#ifdef WIDE
#error "only wide.c is compiled with -DWIDE"
#endif
#include <tvm/ffi/c_api.h>
int wide(void);
int here(void);
TVM_FFI_DLL_EXPORT int __tvm_ffi_sum(void* self, const TVMFFIAny* args, int32_t count,
                                     TVMFFIAny* result) {
  (void)self, (void)args, (void)count;
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = wide() + here();
  return 0;
}
""",
    "csrc/wide.c": "#ifdef WIDE\n#include <width.h>\nint wide(void) { return WIDTH; }\n#endif\n",
    "wide/width.h": "#define WIDTH 16\n",
    "here/here.c": "#ifdef HERE\nint here(void) { return 1; }\n#endif\n",
    "elsewhere/elsewhere.c": '#error "this source is for other systems"\n',
    "options_pkg/__init__.py": "",
}


PAGE = REPOSITORY / "docs" / "sources-and-targets.md"
EXAMPLES = re.findall(r"(?ms)^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_page_are_valid(example: str) -> None:
    (extension,) = parse_project(tomllib.loads(example)["tool"]["setuptools-tvm-ffi"]).ext_modules
    assert extension.overrides


@pytest.fixture
def project(builder: Environment, tmp_path: Path) -> Project:
    for name, text in {**SOURCES, "pyproject.toml": PYPROJECT}.items():
        file = tmp_path / "project" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Project(tmp_path / "project", builder)


def build(project: Project) -> set[str]:
    """Build, and return the steps that ninja ran."""
    process = project.build()
    return set(re.findall(r"^\s*\[\d+/\d+\] (.*?)\s*$", process.stdout, re.MULTILINE))


def commands(project: Project) -> dict[str, list[str]]:
    (file,) = (project.folder / "build").glob("tvm-ffi.*/compile_commands.json")
    entries = json.loads(file.read_text())
    return {entry["file"]: shlex.split(entry["command"]) for entry in entries}


@pytest.mark.long
def test_only_the_sources_of_an_entry_are_compiled_with_its_options(project: Project) -> None:
    assert build(project) == {
        *("compile csrc/base.c", "compile csrc/wide.c", "compile here/here.c"),
        "link liboptions.so",
    }
    wide = {file: {"-DWIDE", "-Iwide"} & set(words) for file, words in commands(project).items()}
    assert wide == {"csrc/base.c": set(), "csrc/wide.c": {"-DWIDE", "-Iwide"}, "here/here.c": set()}
    record = json.loads(project.metadata("tvm_ffi_build.json"))["libraries"][0]
    assert "-DWIDE" in record["source-arguments"]["csrc/wide.c"]
    assert list(record["source-arguments"]) == ["csrc/wide.c"]
    assert "-DWIDE" not in record["arguments"]["c"]
    assert "-DHERE" in record["arguments"]["c"]
    # An unchanged project compiles nothing, and a changed option compiles its sources alone.
    assert build(project) == set()
    project.edit("pyproject.toml", '["-DWIDE"]', '["-DWIDE", "-DOTHER"]')
    assert build(project) == {"compile csrc/wide.c", "link liboptions.so"}
    (project.folder / "wide/width.h").write_text("#define WIDTH 32\n")
    assert build(project) == {"compile csrc/wide.c", "link liboptions.so"}
    # A pattern without a match is an error that names its key.
    project.edit("pyproject.toml", "csrc/wide.c", "csrc/w.c")
    printed = project.refuse()
    assert "ext-modules[0].source-options[0].sources: 'csrc/w.c'" in printed


@pytest.mark.long
def test_overrides_apply_to_their_target_and_an_sdist_has_the_files_of_all(
    project: Project,
) -> None:
    process = project.build()
    printed = process.stdout + process.stderr
    assert re.search(
        r"options: sources = \[\"csrc/\*\.c\", \"here/\*\.c\"\] \(.*ext-modules\[0\]\.sources, "
        r".*ext-modules\[0\]\.overrides\[0\]\.sources\)",
        printed,
    )
    assert re.search(r"strip = true \(.*tool\.setuptools-tvm-ffi\.overrides\[0\]\.strip\)", printed)
    program = "from setuptools_tvm_ffi.build_meta import build_sdist; build_sdist('dist')"
    python = project.environment.python
    project.environment.run(python, "-I", "-c", program, cwd=project.folder, variables=QUICK)
    (sdist,) = (project.folder / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert set(SOURCES) <= names
    # A branch that does not apply is checked, too.
    project.edit("pyproject.toml", '["elsewhere/*.c"]', '["elsewhere/*.c"], name = "a.b"')
    assert "ext-modules[0].overrides[1].name" in project.refuse()


@pytest.mark.long
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc on PATH")
def test_architectures_of_one_cuda_source_and_overrides_for_releases_of_nvcc(
    project: Project,
) -> None:
    for name in ("old.cu", "a.cu", "b.cu"):
        text = f"__global__ void kernel_{name[:-3]}() {{}}\n"
        (project.folder / "csrc" / name).write_text(text)
    project.edit("pyproject.toml", '["csrc/*.c"]', '["csrc/*.c", "csrc/[ab].cu"]')
    project.edit(
        *("pyproject.toml", "source-options = [\n"),
        'cuda-architectures = ["8.0"]\nsource-options = [\n'
        '    { sources = "csrc/b.cu", cuda-architectures = ["9.0a"] },\n',
    )
    project.edit(
        *("pyproject.toml", "overrides = [\n"),
        'overrides = [\n    { cuda = "<1", sources = ["csrc/old.cu"] },\n'
        '    { cuda = ">=11", define-macros = [["NEW"]], cuda-architectures = ["9.0"] },\n',
    )
    process = project.build()
    made = commands(project)
    codes = {
        file: [word.rpartition("code=")[2] for word in words if word.startswith("-gencode=")]
        for file, words in made.items()
        if file.endswith(".cu")
    }
    assert codes == {"csrc/a.cu": ["sm_80", "sm_90"], "csrc/b.cu": ["sm_90a"]}
    assert all("-DNEW" in words for words in made.values())
    assert re.search(
        r"nvcc [\d.]+: .*define-macros = .*overrides\[1\]", process.stdout + process.stderr
    )
