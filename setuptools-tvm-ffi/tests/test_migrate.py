# SPDX-License-Identifier: Apache-2.0
"""Migrate CMake projects, and compare the wheels of both builds.

The project `upstream` is `examples/python_packaging` of apache-tvm-ffi, at commit 620fece9.
"""

from __future__ import annotations

import ast
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from environments import QUICK, Environment, environment_in, made_once, make_environment
from sample_projects import Project
from setuptools_tvm_ffi.binaries.binary import BinaryReader

CMAKE_PROJECTS = Path(__file__).parent / "cmake_projects"
#: For each project: words of the remarks that `migrate` prints, and calls with their results.
EXPECTED = {
    "upstream": ([], {"my_ffi_extension.add_one(3)": 4, "my_ffi_extension.LIB.add_two(1)": 3}),
    "several": (
        ["pyproject.toml:16: tool.scikit-build.sdist.exclude", "CHECKS=1", "FINAL", "-funroll"],
        {
            "several.arith._ffi_api.LIB.add_offset(0)": 42,
            "several.arith._ffi_api.scale(2)": 6,
            "several.arith._ffi_api.name()": "several libraries",
            "several.text._ffi_api.LIB.root(16)": 6,
            "several.text._ffi_api.Word('four').length()": 4,
        },
    ),
    "kernels": ([], {"kernels_pkg._ffi_api.kernel_name()": "DoubleKernel"}),
    "linked": (
        [],
        {
            "linked_pkg.front._ffi_api.LIB.front_count()": 1,
            "linked_pkg.back._ffi_api.LIB.back_count()": 2,
            "linked_pkg.front._ffi_api.next()": 7,
            "linked_pkg.back._ffi_api.greet()": "hello",
        },
    ),
    "dynamic": (
        ["CMakeLists.txt:4: ", "WITH_EXTRA", "WITH_LOWER", "MODE=0"],
        {
            "dynamic_pkg._ffi_api.LIB.rounded(3)": 20,
            "dynamic_pkg._ffi_api.platform()": "posix",
            "dynamic_pkg._ffi_api.version()": "2.5",
            "dynamic_pkg._ffi_api.lower()": "lower",
        },
    ),
}


def migrated(name: str, builder: Environment, folder: Path) -> tuple[Project, str]:
    """Migrate a copy of a project, and delete its CMake files. Return it and the remarks."""
    copy = shutil.copytree(CMAKE_PROJECTS / name, folder / name)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    command = (builder.python, "-m", "setuptools_tvm_ffi", "migrate")
    process = builder.run(*command, cwd=copy, check=False)
    assert process.returncode == bool(EXPECTED[name][0]), process.stderr
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
    (copy / "pyproject.toml").write_text(process.stdout)
    for path in list(copy.rglob("CMakeLists.txt")):
        path.unlink()
    return Project(copy, builder), process.stderr


def exports(wheel: Path, reader: BinaryReader) -> dict[str, set[str]]:
    """Return the functions for TVM-FFI of each library.

    Other symbols differ by design: CMake exports all symbols by default, among them instances of
    templates of the C++ library, and the plugin hides what the sources do not mark. The plugin adds
    metadata of functions.
    """
    with zipfile.ZipFile(wheel) as archive:
        files = [(n, archive.read(n)) for n in archive.namelist() if n.endswith(".so")]
    return {
        binary.path: {s for s in binary.exported if re.match(r"__tvm_ffi_(?!_)", s)}
        for binary in reader.read_all(files, str(wheel))
    }


def described(wheel: Path) -> dict[str, set[str]]:
    """Return the functions and classes of stubs, with the types of parameters and results."""
    found = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith("_ffi_api.py"):
                found[name] = set(_declarations(ast.parse(archive.read(name))))
    return found


def _declarations(tree: ast.AST, owner: str = "") -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args]
            types = [ast.unparse(a.annotation) for a in arguments if a.annotation]
            result = "" if node.returns is None else ast.unparse(node.returns)
            yield f"{owner}{node.name}({', '.join(types)}) -> {result}"
        elif isinstance(node, ast.AnnAssign):
            yield f"{owner}{ast.unparse(node)}"
        else:
            inner = f"{owner}{node.name}." if isinstance(node, ast.ClassDef) else owner
            yield from _declarations(node, inner)


def tags(wheel: Path) -> str:
    return wheel.name.split("-", 2)[2]


@pytest.fixture(scope="module")
def cmake_builder(
    tmp_path_factory: pytest.TempPathFactory, bare_variables: dict[str, str]
) -> Environment:
    """An environment with scikit-build-core and CMake from the index."""
    packages = ("scikit-build-core>=0.10,<2", "cmake>=3.26,<5", "ninja", "apache-tvm-ffi")

    def make(folder: Path) -> None:
        environment = make_environment(folder / "venv", bare_variables)
        process = environment.pip("install", "-q", *packages, cwd=folder, check=False)
        (folder / "problem").write_text(process.stderr if process.returncode else "")

    folder = made_once(tmp_path_factory, "cmake-builder", make)
    problem = (folder / "problem").read_text()
    if problem:
        pytest.skip(f"scikit-build-core or CMake cannot be installed: {problem}")
    return environment_in(folder / "venv", bare_variables)


def test_a_migrated_project_builds_and_works(builder: Environment, tmp_path: Path) -> None:
    """The project with the most features of CMake."""
    project, remarks = migrated("dynamic", builder, tmp_path)
    words, calls = EXPECTED["dynamic"]
    assert all(word in remarks for word in words), remarks
    project.build()
    check_calls(project.wheel, calls, builder, tmp_path / "site")


def check_calls(
    wheel: Path, calls: dict[str, object], environment: Environment, site: Path
) -> None:
    environment.pip("install", "-q", "--no-deps", "--target", site, wheel, cwd=site.parent)
    modules = sorted({re.split(r"\.(?=LIB|\w+\()", call)[0] for call in calls})
    program = "\n".join(
        [
            f"import sys; sys.path.insert(0, {str(site)!r})",
            *(f"import {module}" for module in modules),
            *(f"assert {call} == {result!r}, {call}" for call, result in calls.items()),
        ]
    )
    environment.run(environment.python, "-c", program, cwd=site)


@pytest.mark.long
@pytest.mark.parametrize("name", EXPECTED)
def test_the_wheel_of_a_migrated_project_equals_that_of_cmake(
    name: str,
    builder: Environment,
    cmake_builder: Environment,
    tmp_path: Path,
    reader: BinaryReader,
) -> None:
    if name == "kernels" and shutil.which("nvcc") is None:
        pytest.skip("no nvcc on PATH")
    project, remarks = migrated(name, builder, tmp_path)
    words, calls = EXPECTED[name]
    assert all(word in remarks for word in words), remarks
    project.build()
    new = project.wheel

    source = shutil.copytree(CMAKE_PROJECTS / name, tmp_path / "cmake" / name)
    options = ("--no-deps", "--no-build-isolation", "-w", tmp_path / "old")
    cmake_builder.pip("wheel", *options, ".", cwd=source, variables=QUICK)
    (old,) = (tmp_path / "old").glob("*.whl")

    assert tags(new) == tags(old)
    assert exports(new, reader) == exports(old, reader)
    assert described(new) == described(old)
    with zipfile.ZipFile(old) as before, zipfile.ZipFile(new) as after:
        modules = {n for n in before.namelist() if n.endswith((".py", ".so"))}
        assert modules <= set(after.namelist())
    check_calls(new, calls, builder, tmp_path / "site")
