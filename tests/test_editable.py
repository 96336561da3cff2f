# SPDX-License-Identifier: Apache-2.0
"""Editable installs of the reference package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from environments import BUILD_REQUIREMENTS, QUICK, Environment, copy_repository, make_environment

NEW_FUNCTION = """
#include <tvm/ffi/tvm_ffi.h>

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef()
      .def("my_ffi_extension.triple", [](int64_t x) { return 3 * x; })
      .def("my_ffi_extension.geometry.area", [](double a, double b) { return a * b; });
}
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_repository(tmp_path_factory.mktemp("editable") / "my-ffi-extension")


def install(source: Path, folder: Path, variables: dict[str, str], *options: str) -> Environment:
    """Install `source` in editable mode into a new environment with the build requirements."""
    environment = make_environment(folder / "venv", {**variables, **QUICK})
    environment.pip("install", "-q", *BUILD_REQUIREMENTS, cwd=folder)
    reinstall(source, environment, *options)
    return environment


def reinstall(source: Path, environment: Environment, *options: str) -> None:
    arguments = ("install", "-q", "--no-build-isolation", "--no-deps", *options, "-e", ".")
    environment.pip(*arguments, cwd=source)


def files_of(environment: Environment) -> set[str]:
    site = environment.site_packages
    return {
        str(path.relative_to(site)) for path in site.rglob("*") if "__pycache__" not in path.parts
    }


def python_files(source: Path) -> list[Path]:
    """Return the modules and stubs of the package in the source tree."""
    return [p for p in source.glob("my_ffi_extension/**/*") if p.suffix in {".py", ".pyi"}]


def python(environment: Environment, program: str, cwd: Path) -> str:
    return environment.run(environment.python, "-c", program, cwd=cwd).stdout.strip()


@pytest.mark.parametrize("mode", ["lenient", pytest.param("strict", marks=pytest.mark.long)])
def test_the_package_loads_from_any_folder_and_uninstalls_completely(
    mode: str,
    source: Path,
    variables: dict[str, str],
    tmp_path: Path,
) -> None:
    environment = make_environment(tmp_path / "venv", {**variables, **QUICK})
    environment.pip("install", "-q", *BUILD_REQUIREMENTS, cwd=tmp_path)
    before = files_of(environment)
    options = ("--config-settings", "editable_mode=strict") if mode == "strict" else ()
    reinstall(source, environment, *options)
    installed = files_of(environment) - before
    assert any(name.endswith(".libs/libmy_ffi_extension.so") for name in installed)
    for folder in (tmp_path, source, Path("/")):
        tour = environment.run(environment.python, "-m", "my_ffi_extension", cwd=folder)
        assert tour.stdout.rstrip().endswith("OK: everything works.")
    if mode != "strict":
        program = "import my_ffi_extension\nx: str = my_ffi_extension.scale"
        command = (sys.executable, "-m", "mypy", "--python-executable", environment.python)
        checked = environment.run(*command, "-c", program, cwd=tmp_path, check=False)
        assert "Incompatible types in assignment" in checked.stdout, checked.stdout
    environment.pip("uninstall", "-q", "-y", "my-ffi-extension", cwd=tmp_path)
    assert files_of(environment) == before


@pytest.mark.long
def test_a_new_function_appears_in_the_source_tree_and_other_files_are_unchanged(
    variables: dict[str, str], tmp_path: Path
) -> None:
    source = copy_repository(tmp_path / "my-ffi-extension")
    environment = install(source, tmp_path, variables)
    tracked = {p: p.read_bytes() for p in python_files(source)}
    (source / "csrc" / "added.cc").write_text(NEW_FUNCTION)
    reinstall(source, environment)
    program = (
        "import my_ffi_extension, my_ffi_extension.geometry as g; "
        "print(my_ffi_extension.triple(14), g.area(2.0, 4.0))"
    )
    assert python(environment, program, tmp_path) == "42 8.0"
    changed = {p for p, content in tracked.items() if p.read_bytes() != content}
    assert changed == {source / "my_ffi_extension" / f"_ffi_api.{end}" for end in ("py", "pyi")}
    # A second installation changes nothing.
    stubs = {p: p.stat().st_mtime_ns for p in python_files(source)}
    assert {p.name for p in stubs if p.parent.name == "geometry"} == {
        f"{name}.{end}" for name in ("__init__", "_ffi_api") for end in ("py", "pyi")
    }
    reinstall(source, environment)
    assert {p: p.stat().st_mtime_ns for p in python_files(source)} == stubs
