# SPDX-License-Identifier: Apache-2.0
"""Migrate CMake projects, and compare the wheels of both builds.

The project `upstream` is `examples/python_packaging` of apache-tvm-ffi, at commit 620fece9.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from environments import QUICK, Environment, environment_in, made_once, make_environment
from sample_projects import Project

CMAKE_PROJECTS = Path(__file__).parent / "cmake_projects"
#: For each project: words of the remarks that `migrate` prints, and calls with their results.
EXPECTED = {
    "upstream": ([], {"my_ffi_extension.add_one(3)": 4, "my_ffi_extension.LIB.add_two(1)": 3}),
    "several": (
        ["pyproject.toml:16: ", "sdist.exclude", "CHECKS=1", "FINAL", "-funroll"],
        {
            "several.arith._ffi_api.LIB.add_offset(0)": 42,
            "several.arith._ffi_api.scale(2)": 6,
            "several.arith._ffi_api.name()": "several libraries",
            "several.text._ffi_api.LIB.root(16)": 6,
            "several.text._ffi_api.Word('four').length()": 4,
        },
    ),
    "kernels": (
        ["CMAKE_CUDA_COMPILER_VERSION"],
        {"kernels_pkg._ffi_api.kernel_name()": "DoubleKernel"},
    ),
    "linked": (
        ["third_party/tiny/CMakeLists.txt:1: ", "private options of tiny"],
        {
            "linked_pkg.front._ffi_api.LIB.front_count()": 1,
            "linked_pkg.back._ffi_api.LIB.back_count()": 2,
            "linked_pkg.front._ffi_api.next()": 7,
            "linked_pkg.back._ffi_api.greet()": "hello",
        },
    ),
    "dynamic": (
        ["CMakeLists.txt:4: ", "WITH_EXTRA", "WITH_LOWER", "MODE=0", "SYSTEM_PROCESSOR"],
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


#: The symbols of the sources that CMake exports and the plugin hides, because CMake's default
#: visibility is "default". `migrate` keeps this default for libraries that other libraries link:
#: `core` of the project `linked`.
HIDDEN = {
    "upstream": set(),
    "several": {"scale_by_three"},
    "kernels": {"twice(float)"},
    "linked": {"greeting()"},
    "dynamic": {"kTable", "round_up(long, long)"},
}


def exports(wheel: Path, folder: Path) -> dict[str, tuple[set[str], set[str]]]:
    """Return the strong and the weak symbols that each library exports.

    The strong symbols are those of the sources. The weak symbols are templates and inline functions
    of headers. Without metadata of functions, which the plugin adds, and without symbols of nvcc,
    whose names contain hashes.
    """
    found = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(".so"):
                command = ("nm", "-D", "-C", "--defined-only", archive.extract(name, folder))
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                symbols = [line.split(maxsplit=2)[1:] for line in output.splitlines()]
                own = [(k, n) for k, n in symbols if not re.match("__tvm_ffi__|__cuda|__fatbin", n)]
                weak = {symbol for kind, symbol in own if kind in "WVu"}
                found[name] = {symbol for _, symbol in own} - weak, weak
    return found


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
    before, after = exports(old, tmp_path / "before"), exports(new, tmp_path / "after")
    assert after.keys() == before.keys()
    hidden = set()
    for library, (strong, weak) in after.items():
        assert strong <= before[library][0]
        assert weak <= before[library][1]
        hidden |= before[library][0] - strong
    assert hidden == HIDDEN[name]
    assert described(new) == described(old)
    with zipfile.ZipFile(old) as one, zipfile.ZipFile(new) as other:
        modules = {n for n in one.namelist() if n.endswith((".py", ".so"))}
        assert modules <= set(other.namelist())
    check_calls(new, calls, builder, tmp_path / "site")
