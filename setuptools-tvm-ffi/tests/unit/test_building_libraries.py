# SPDX-License-Identifier: Apache-2.0
"""Which architectures count for an extension: its own, its project's, those of the one who builds.

The rest of the module runs compilers; the tests of whole builds are about that.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from setuptools_tvm_ffi.building.libraries import _for_architectures
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
