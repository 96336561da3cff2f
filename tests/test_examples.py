# SPDX-License-Identifier: Apache-2.0
"""Build every project in examples/, and run its tests and the code in its README.

docs/from-cmake.md shows how to load a library, as examples/c_abi_only does.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from environments import LEFT_OUT, QUICK, REPOSITORY, Environment, make_environment

EXAMPLES = REPOSITORY / "examples"

#: The folder of each example, and the folder of the project in it that uses the plugin.
PROJECTS = {
    "c_abi_only": ".",
    "cuda_kernels": ".",
    "embedded_cubin": ".",
    "from_torch_cpp_extension": "after",
    "generated_sources": ".",
    "numpy_interop": ".",
    "package_headers": ".",
    "pyproject_only": ".",
    "several_libraries": ".",
}

#: The reasons for which an example may skip some of its tests.
SKIPS: dict[str, tuple[str, ...]] = {
    "cuda_kernels": ("libcuda finds no GPU",),
    "embedded_cubin": ("libcuda finds no GPU", "could not import"),
    "from_torch_cpp_extension": ("could not import",),
}
#: The examples that need nvcc.
CUDA = {"cuda_kernels", "embedded_cubin"}

#: Returns the wheel of an example. The first call builds and installs it.
Install = Callable[[str], Path]


def is_buildable(name: str) -> bool:
    if name not in CUDA:
        return True
    roots = (os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH"))
    candidates = (Path(root, "bin", "nvcc") for root in roots if root)
    return shutil.which("nvcc") is not None or any(map(os.path.exists, candidates))


@pytest.fixture(
    params=[
        pytest.param(name, marks=() if name == "c_abi_only" else pytest.mark.long)
        for name in PROJECTS
    ]
)
def name(request: pytest.FixtureRequest) -> str:
    if not is_buildable(request.param):
        pytest.skip("there is no nvcc")
    return str(request.param)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder examples/."""
    folder = tmp_path_factory.mktemp("examples") / "sources"
    shutil.copytree(EXAMPLES, folder, ignore=LEFT_OUT)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> Environment:
    """An environment with the run-time requirements of the examples, and pytest."""
    environment = make_environment(tmp_path_factory.mktemp("target") / "venv", variables)
    packages = ("apache-tvm-ffi", "numpy", "pytest")
    environment.pip("install", "-q", *packages, cwd=environment.folder)
    return environment


@pytest.fixture(scope="module")
def install(example_wheel: Callable[[str], Path], environment: Environment) -> Install:
    wheels: dict[str, Path] = {}

    def install(name: str) -> Path:
        if name not in wheels:
            wheels[name] = example_wheel(f"{name}/{PROJECTS[name]}".removesuffix("/."))
            command = ("install", "-q", "--no-deps", wheels[name])
            environment.pip(*command, cwd=environment.folder)
        return wheels[name]

    return install


def members(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def requirements(wheel: Path) -> list[str]:
    (metadata,) = (
        content for name, content in members(wheel).items() if name.endswith("/METADATA")
    )
    return re.findall(r"^Requires-Dist: ([\w-]+)", metadata.decode(), re.MULTILINE)


def test_every_example_is_tested() -> None:
    assert {readme.parent.name for readme in EXAMPLES.glob("*/README.md")} == set(PROJECTS)


def test_the_wheel_is_for_every_python_of_one_platform(name: str, install: Install) -> None:
    wheel = install(name)
    assert "-py3-none-linux_" in wheel.name
    assert "apache-tvm-ffi" in requirements(wheel)


@pytest.mark.long
def test_the_sdist_gives_the_same_libraries(
    name: str, install: Install, sources: Path, builder: Environment, tmp_path: Path
) -> None:
    folder = sources / name / PROJECTS[name]
    program = f"import setuptools_tvm_ffi.build_meta as b; b.build_sdist({str(tmp_path)!r})"
    builder.run(builder.python, "-I", "-c", program, cwd=folder)
    (sdist,) = tmp_path.glob("*.tar.gz")
    wheel = ("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, sdist)
    builder.pip(*wheel, cwd=tmp_path, variables=QUICK)
    (made,) = tmp_path.glob("*.whl")
    libraries, expected = (
        {path: content for path, content in members(each).items() if path.endswith(".so")}
        for each in (made, install(name))
    )
    assert libraries == expected
    assert libraries


def test_the_tests_of_an_example_pass_with_its_installed_wheel(
    name: str, install: Install, environment: Environment, tmp_path: Path
) -> None:
    install(name)
    # Copy the tests, so that they can only import the installed package.
    shutil.copytree(EXAMPLES / name / "tests", tmp_path / "tests", ignore=LEFT_OUT)
    pytest_quietly = ("-W", "error", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider")
    printed = environment.run(*(environment.python, *pytest_quietly, "tests"), cwd=tmp_path).stdout
    assert re.search(r"^\d+ passed", printed, re.MULTILINE), printed
    reasons = re.findall(r"^SKIPPED \[\d+\] \S+ (.+)$", printed, re.MULTILINE)
    assert all(reason.startswith(SKIPS.get(name, ("nothing",))) for reason in reasons), printed
    if name in CUDA and reasons:
        pytest.skip(f"checked but for results: {reasons[0]}")


def test_the_code_in_an_examples_readme_prints_what_it_shows(
    name: str, install: Install, environment: Environment, tmp_path: Path
) -> None:
    install(name)
    shutil.copy(EXAMPLES / name / "README.md", tmp_path)
    command = (environment.python, "-I", "-W", "error", "-m", "doctest", "README.md")
    environment.run(*command, cwd=tmp_path)


@pytest.mark.long
def test_an_empty_package_is_filled_by_the_build(install: Install) -> None:
    package = EXAMPLES / "pyproject_only" / "src" / "pyproject_only"
    assert not (package / "__init__.py").read_bytes()
    assert not (package / "_ffi_api.py").exists()
    files = members(install("pyproject_only"))
    assert b"from ._ffi_api import *" in files["pyproject_only/__init__.py"]
    assert (
        b"def edit_distance(_0: str, _1: str, /) -> int: ..." in files["pyproject_only/_ffi_api.py"]
    )


@pytest.mark.long
def test_the_wheel_keeps_the_requirements_of_the_project(install: Install) -> None:
    assert sorted(requirements(install("numpy_interop"))) == ["apache-tvm-ffi", "numpy"]


@pytest.mark.long
def test_every_library_has_its_own_package(install: Install) -> None:
    files = members(install("several_libraries"))
    for package in ("core", "ops", "svg"):
        assert f"several_libraries/{package}/libseveral_{package}.so" in files
        assert f'"several_{package}")'.encode() in files[f"several_libraries/{package}/_ffi_api.py"]


# --- pyproject_only, with every frontend --------------------------------------------------------


@pytest.fixture(scope="module")
def frontends(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> Environment:
    """An environment with the frontends, but without build requirements."""
    folder = tmp_path_factory.mktemp("frontends")
    cache = {"UV_CACHE_DIR": str(folder / "uv-cache"), **QUICK}
    environment = make_environment(folder / "venv", {**variables, **cache})
    environment.pip("install", "-q", "pip", "build", "uv", cwd=folder)
    return environment


@pytest.mark.long
@pytest.mark.parametrize(
    "command",
    [
        ("python", "-m", "pip", "wheel", "-q", "--no-deps", "-w"),
        ("python", "-m", "build", "--wheel", "-o"),
        ("uv", "build", "--wheel", "-o"),
    ],
    ids=["pip", "build", "uv"],
)
def test_pyproject_alone_is_enough_for_every_frontend(
    command: tuple[str, ...],
    install: Install,
    sources: Path,
    frontends: Environment,
    tmp_path: Path,
) -> None:
    expected = install("pyproject_only")
    frontends.run(*command, tmp_path, ".", cwd=sources / "pyproject_only")
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == expected.name
    assert members(wheel) == members(expected)


@pytest.mark.long
def test_pyproject_alone_is_enough_for_the_backend_of_setuptools(
    install: Install, sources: Path, frontends: Environment, tmp_path: Path
) -> None:
    expected = install("pyproject_only")
    project = shutil.copytree(sources / "pyproject_only", tmp_path / "project")
    pyproject = project / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    changed = text.replace('"setuptools_tvm_ffi.build_meta"', '"setuptools.build_meta"')
    # The backend of setuptools does not return the plugin's build requirements, such as ninja.
    requires = '"setuptools-tvm-ffi", "apache-tvm-ffi", "ninja"'
    changed = changed.replace('"setuptools-tvm-ffi"', requires)
    assert changed.count("apache-tvm-ffi") == text.count("apache-tvm-ffi") + 1
    pyproject.write_text(changed, encoding="utf-8")
    frontends.run("uv", "build", "--wheel", "-o", tmp_path / "dist", ".", cwd=project)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert wheel.name == expected.name
    assert members(wheel).keys() == members(expected).keys()


# --- from_torch_cpp_extension, if PyTorch is installed ------------------------------------------


def test_the_arithmetic_is_the_same_before_and_after() -> None:
    before, after = (
        (EXAMPLES / "from_torch_cpp_extension" / side / "csrc" / "kernel.h").read_bytes()
        for side in ("before", "after")
    )
    assert before == after


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_results_are_the_same_before_and_after(
    install: Install, sources: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    after = install("from_torch_cpp_extension")
    # Use the PyTorch of this environment, because the wheelhouse does not contain PyTorch.
    own = Environment(Path(sys.prefix), {**variables, "CFLAGS": "-O0 -g0"})
    pip = (sys.executable, "-m", "pip")
    wheel = ("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, ".")
    own.run(*pip, *wheel, cwd=sources / "from_torch_cpp_extension" / "before")
    (before,) = tmp_path.glob("*.whl")
    target = tmp_path / "target"
    packages = ("apache-tvm-ffi", before, after)
    own.run(*pip, "install", "-q", "--no-deps", "--target", target, *packages, cwd=tmp_path)
    test = EXAMPLES / "from_torch_cpp_extension" / "tests" / "test_before_and_after.py"
    shutil.copy(test, tmp_path)
    printed = own.run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test.name),
        cwd=tmp_path,
        variables={"PYTHONPATH": str(target)},
    ).stdout
    assert re.search(r"^\d+ passed in", printed, re.MULTILINE), printed
