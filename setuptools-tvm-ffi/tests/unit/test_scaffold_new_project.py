# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import itertools
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.project.sources import HEADER_SUFFIXES
from setuptools_tvm_ffi.scaffold.new_project import (
    LANGUAGES,
    Options,
    existing_files,
    project_files,
    write_new_project,
)
from setuptools_tvm_ffi.scaffold.project_names import Names
from setuptools_tvm_ffi.settings import read_project
from setuptools_tvm_ffi.settings.languages import LANGUAGE_BY_SUFFIX

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAMES = Names("fast-mean", "fast_mean")
COMMON = {
    ".clangd",
    ".github/workflows/wheels.yml",
    ".gitignore",
    "README.md",
    "pyproject.toml",
    "src/fast_mean/__init__.py",
    "src/fast_mean/py.typed",
}
SUFFIXES = {"c": ".c", "c++": ".cc", "cuda": ".cu"}
FUNCTIONS = {
    "c": {"csrc/mean.c", "tests/test_mean.py"},
    "c++": {"csrc/mean.cc", "tests/test_mean.py"},
    "cuda": {"csrc/scale.cu", "tests/test_scale.py"},
}
ALL_OPTIONS = [
    Options(*each) for each in itertools.product(LANGUAGES, (False, True), (False, True))
]


def pyproject(options: Options) -> dict[str, Any]:
    return tomllib.loads(project_files(NAMES, options)["pyproject.toml"])


@pytest.mark.parametrize("options", ALL_OPTIONS, ids=str)
def test_a_project_has_only_its_own_files_and_names(options: Options) -> None:
    files = project_files(NAMES, options)
    expected = COMMON | FUNCTIONS[options.language]
    if options.with_class:
        expected |= {"csrc/interval.cc", "tests/test_interval.py"}
    if options.setup_py:
        expected |= {"setup.py"}
    assert set(files) == expected
    for name, text in files.items():
        assert "my_package" not in text, name
        assert "my-package" not in text, name
        assert "SPDX" not in text, name  # the author chooses a licence
        assert not text or text.endswith("\n"), name
        if name.endswith(".py"):
            ast.parse(text)


@pytest.mark.parametrize("options", ALL_OPTIONS, ids=str)
def test_the_library_is_declared_once_with_all_of_its_sources(
    options: Options, tmp_path: Path
) -> None:
    files = project_files(NAMES, options)
    write_new_project(tmp_path, files)
    suffixes = dict.fromkeys([SUFFIXES[options.language], *([".cc"] * options.with_class)])
    sources = [f"csrc/**/*{suffix}" for suffix in suffixes]
    extensions = read_project(tmp_path).settings.ext_modules
    if options.setup_py:
        assert not extensions
        assert str(sources).replace("'", '"') in files["setup.py"]
        assert '"fast_mean.fast_mean"' in files["setup.py"]
    else:
        (extension,) = extensions
        assert extension.name == "fast_mean.fast_mean"
        assert list(extension.sources) == sources


def test_the_project_requires_the_plugin_by_name_and_claims_no_licence() -> None:
    table = pyproject(Options())
    assert [Requirement(text).name for text in table["build-system"]["requires"]] == [
        "setuptools",
        "setuptools-tvm-ffi",
    ]
    assert table["build-system"]["build-backend"] == "setuptools_tvm_ffi.build_meta"
    assert table["project"]["name"] == "fast-mean"
    assert table["project"]["dynamic"] == ["dependencies"]
    assert "license" not in table["project"]


def test_uv_notices_an_edit_of_every_source_and_header() -> None:
    pattern = pyproject(Options())["tool"]["uv"]["cache-keys"][-1]["file"]
    suffixes = pattern.removeprefix("csrc/**/*.{").removesuffix("}").split(",")
    assert {f".{suffix}" for suffix in suffixes} == {*LANGUAGE_BY_SUFFIX, *HEADER_SUFFIXES}


def test_git_ignores_only_stubs_that_builds_write() -> None:
    ignored = project_files(NAMES, Options())[".gitignore"].splitlines()
    assert {"_ffi_api.py", "_ffi_api.pyi", "__init__.pyi"} <= {*ignored}
    assert "*.pyi" not in ignored


def test_the_workflow_publishes_only_the_version_in_the_tag() -> None:
    publish = project_files(NAMES, Options())[".github/workflows/wheels.yml"].partition("publish:")
    assert 'ls dist/*-"${GITHUB_REF_NAME#v}".tar.gz' in publish[2].partition("gh-action")[0]


def test_a_cuda_project_builds_its_wheels_on_linux_with_a_toolkit_from_pypi() -> None:
    files = project_files(NAMES, Options("cuda"))
    table = pyproject(Options("cuda"))["tool"]["cibuildwheel"]
    assert "cuda-toolkit[" in table["linux"]["before-all"]
    assert "macos" not in table
    assert "macos" not in files[".github/workflows/wheels.yml"]
    assert "macos" in pyproject(Options("c"))["tool"]["cibuildwheel"]
    assert "macos-latest" in project_files(NAMES, Options("c"))[".github/workflows/wheels.yml"]


def test_files_of_the_user_are_kept(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("MIT")
    (tmp_path / "csrc").mkdir()
    files = project_files(NAMES, Options())
    assert existing_files(tmp_path, files) == []
    write_new_project(tmp_path, files)
    assert (tmp_path / "LICENSE").read_text() == "MIT"
    assert (tmp_path / "csrc" / "mean.cc").is_file()


@pytest.mark.parametrize("existing", [("pyproject.toml", "csrc/mean.cc"), ("src",), (".github",)])
def test_files_that_exist_are_named(existing: tuple[str, ...], tmp_path: Path) -> None:
    for name in existing:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    with pytest.raises(BuildError) as caught:
        existing_files(tmp_path, project_files(NAMES, Options()))
    assert all(name in caught.value.message for name in existing)


def test_the_folder_itself_may_not_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BuildError, match="file"):
        existing_files(tmp_path / "file", ["README.md"])
    with pytest.raises(BuildError, match="cannot write"):
        write_new_project(tmp_path / "file" / "folder", {"README.md": ""})
