# SPDX-License-Identifier: Apache-2.0
"""The parts of the module that run no compiler; end-to-end tests cover the rest."""

from __future__ import annotations

import dataclasses
from pathlib import Path, PurePosixPath

import pytest
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.building.libraries import (
    _check_files,
    _for_architectures,
    remove_objects,
)
from setuptools_tvm_ffi.building.model import BuildRequest
from setuptools_tvm_ffi.building.native import NativeHost
from setuptools_tvm_ffi.settings import ExtensionSettings, Project, ProjectSettings

FIELDS = ("cuda_architectures", "hip_architectures")
ABOVE = ("--config-settings cuda-architectures", "TVM_FFI_CUDA_ARCH_LIST")


def counting(field: str, of_extension: str, of_project: str, origin: str) -> tuple[str, ...]:
    """What counts of one architecture each, or none."""
    settings = ExtensionSettings(
        name="pkg.ops", sources=("a.cu",), **{field: tuple(of_extension.split())}
    )
    project = Project(
        ProjectSettings(**{field: tuple(of_project.split())}), {field: origin} if origin else {}
    )
    made = _for_architectures(settings, project)
    (other,) = set(FIELDS) - {field}
    assert getattr(made, other) == ()
    found: tuple[str, ...] = getattr(made, field)
    return found


@pytest.mark.parametrize("field", FIELDS)
def test_an_extension_that_names_none_is_compiled_for_those_of_its_project(field: str) -> None:
    assert counting(field, "", "x y", "pyproject.toml") == ("x", "y")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("of_project", ["", "x"])
def test_an_extension_s_own_count_more_than_those_of_its_project(
    field: str, of_project: str
) -> None:
    assert counting(field, "z", of_project, "pyproject.toml" if of_project else "") == ("z",)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("of_extension", ["", "z"])
@pytest.mark.parametrize("origin", ABOVE)
def test_those_of_the_one_who_builds_count_more_than_both(
    field: str, of_extension: str, origin: str
) -> None:
    assert counting(field, of_extension, "x", origin) == ("x",)


@pytest.mark.parametrize("field", FIELDS)
def test_where_nobody_names_one_it_is_left_to_the_compiler(field: str) -> None:
    assert counting(field, "", "", "") == ()


@pytest.mark.parametrize("build_type", ["release", "debug", "address-sanitizer"])
def test_each_build_type_has_a_folder_of_its_own(build_type: str) -> None:
    request = BuildRequest(
        extensions=(),
        project=Project(ProjectSettings(build_type=build_type)),
        root=Path("/project"),
        folder=PurePosixPath("build/tvm-ffi.linux"),
        build_base=Path("/project/build"),
        platform="linux",
        host=NativeHost(),
    )
    assert str(request.objects_folder) == f"build/tvm-ffi.linux/{build_type}"


def test_force_removes_the_objects_of_this_build_type_only(tmp_path: Path) -> None:
    def kept(build_type: str) -> Path:
        return tmp_path / "build" / build_type / "pkg.ops" / "objects" / "a.c.o"

    for build_type in ("release", "debug"):
        kept(build_type).parent.mkdir(parents=True)
        kept(build_type).touch()
    request = BuildRequest(
        extensions=(ExtensionSettings(name="pkg.ops", sources=("a.c",)),),
        project=Project(ProjectSettings(build_type="release")),
        root=tmp_path,
        folder=PurePosixPath("build"),
        build_base=tmp_path / "build",
        platform="linux",
        host=NativeHost(),
    )
    remove_objects(request)
    assert not kept("release").exists()
    assert kept("debug").exists()


def test_an_extra_object_outside_the_project_is_rejected(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "a.o").touch()
    (root / "b.o").touch()
    settings = ExtensionSettings(name="pkg.ops", sources=("a.c",), extra_objects=("b.o", "../a.o"))
    with pytest.raises(ConfigurationError, match=r"extra_objects: '\.\./a\.o' lies outside"):
        _check_files(settings, root)
    _check_files(dataclasses.replace(settings, extra_objects=("b.o", "../project/b.o")), root)
