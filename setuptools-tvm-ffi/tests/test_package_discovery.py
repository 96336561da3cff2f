# SPDX-License-Identifier: Apache-2.0
"""Discovery of packages that a project does not list."""

from __future__ import annotations

import re
import subprocess
import tarfile

import pytest
from sample_projects import Project, ProjectFactory

IN_THE_WHEEL = {
    "flat_pkg/__init__.py",
    "flat_pkg/__init__.pyi",
    "flat_pkg/_ffi_api.py",
    "flat_pkg/_ffi_api.pyi",
    "flat_pkg/below/__init__.py",
    "flat_pkg/libflat.so",
    "flat_pkg/py.typed",
}


def packed(project: Project) -> set[str]:
    return {name for name in project.names() if ".dist-info/" not in name}


def said(process: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the warnings of the plugin, and their hints."""
    pattern = "setuptools-tvm-ffi: ((?:warning|hint): .*)"
    return re.findall(pattern, process.stdout + process.stderr)


@pytest.fixture
def flat(project: ProjectFactory) -> Project:
    copied: Project = project("flat")
    return copied


@pytest.mark.parametrize("backend", ["setuptools_tvm_ffi.build_meta", "setuptools.build_meta"])
def test_the_package_of_a_flat_layout_is_the_one_with_the_library(
    flat: Project, backend: str
) -> None:
    flat.edit("pyproject.toml", "setuptools_tvm_ffi.build_meta", backend)
    flat.build()
    assert packed(flat) == IN_THE_WHEEL


def test_a_setup_py_does_not_change_the_discovered_packages(flat: Project) -> None:
    text = (flat.folder / "pyproject.toml").read_text()
    (flat.folder / "pyproject.toml").write_text(text.partition("[[")[0])
    (flat.folder / "setup.py").write_text(
        "from setuptools import setup\n"
        "from setuptools_tvm_ffi import TVMFFIExtension\n"
        "setup(ext_modules=[TVMFFIExtension('flat_pkg.flat', ['csrc/*.c'])])\n"
    )
    flat.build()
    assert packed(flat) == IN_THE_WHEEL


def test_listed_packages_are_unchanged(flat: Project) -> None:
    with (flat.folder / "pyproject.toml").open("a") as stream:
        stream.write('[tool.setuptools]\npackages = ["flat_pkg"]\n')
    process = flat.build()
    assert packed(flat) == IN_THE_WHEEL - {"flat_pkg/below/__init__.py"}
    (warning, hint) = said(process)
    assert "flat_pkg.below" in warning
    assert "tool.setuptools.packages" in hint


def test_the_layout_of_the_packaging_guide_is_found(flat: Project) -> None:
    (flat.folder / "python").mkdir()
    (flat.folder / "flat_pkg").rename(flat.folder / "python" / "flat_pkg")
    (flat.folder / "csrc").rename(flat.folder / "src")
    flat.edit("pyproject.toml", "csrc/*.c", "src/*.c")
    flat.build()
    assert packed(flat) == IN_THE_WHEEL


def test_missing_files_and_packages_are_named_with_lines_that_add_them(flat: Project) -> None:
    (flat.folder / "flat_pkg" / "kernel.cuh").touch()
    for name in ("below/a.json", "below/b.json", "tests/c.json", ".hidden"):
        (flat.folder / "flat_pkg" / name).parent.mkdir(exist_ok=True)
        (flat.folder / "flat_pkg" / name).touch()
    (flat.folder / "other").mkdir()
    (flat.folder / "other" / "__init__.py").touch()
    lines = said(flat.build())
    assert [line for line in lines if "wheel lacks" in line] == [
        "warning: the wheel lacks packages without libraries: other",
        "warning: the wheel lacks files of packages: "
        "flat_pkg/kernel.cuh, flat_pkg/below/a.json, flat_pkg/below/b.json",
    ]
    toml = [line.partition(": ")[2] for line in lines if '= ["' in line or ": [tool." in line]
    with (flat.folder / "pyproject.toml").open("a") as stream:
        stream.write("\n".join(toml) + "\n")
    assert said(flat.build()) == []
    assert packed(flat) == IN_THE_WHEEL | {
        *("flat_pkg/kernel.cuh", "flat_pkg/below/a.json", "flat_pkg/below/b.json"),
        "other/__init__.py",
    }
    flat.edit(
        "pyproject.toml", "tool.setuptools.package-data", "tool.setuptools.exclude-package-data"
    )
    assert said(flat.build()) == []
    assert packed(flat) == IN_THE_WHEEL | {"other/__init__.py"}


def test_an_sdist_of_a_flat_layout_builds_the_same_wheel(flat: Project) -> None:
    program = "from setuptools_tvm_ffi.build_meta import build_sdist; build_sdist('sdist')"
    flat.environment.run(flat.environment.python, "-I", "-c", program, cwd=flat.folder)
    (archive,) = (flat.folder / "sdist").glob("*.tar.gz")
    unpacked = flat.folder.parent / "unpacked"
    with tarfile.open(archive) as members:
        if hasattr(tarfile, "data_filter"):
            members.extractall(unpacked, filter="data")
        else:
            members.extractall(unpacked)
    (root,) = unpacked.iterdir()
    assert not (root / "scratch").exists()
    again = Project(root, flat.environment)
    again.build()
    assert packed(again) == IN_THE_WHEEL
