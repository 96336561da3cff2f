# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from setuptools import Distribution
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.plugin.package_discovery import PackageDiscovery


def discovered(root: Path, *packages: str, **attributes: Any) -> list[str]:
    for package in packages:
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").touch()
    extensions = [TVMFFIExtension("pkg.ops", ["csrc/a.cpp"])]
    declared = {"name": "p", "version": "1", "ext_modules": extensions, "src_root": str(root)}
    made: Any = Distribution({**declared, **attributes})
    PackageDiscovery(made)(ignore_ext_modules=True)  # as with a [project] table
    return sorted(made.packages)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_flat_layout_has_the_package_of_the_library_and_its_subpackages(project: Path) -> None:
    assert discovered(project, "csrc", "other", "pkg", "pkg/sub") == ["pkg", "pkg.sub"]


@pytest.mark.parametrize("packages", [["pkg"], ["other"]])
def test_listed_packages_stay_as_they_are(project: Path, packages: list[str]) -> None:
    assert discovered(project, "other", "pkg", "pkg/sub", packages=packages) == packages


def test_a_package_in_src_is_found_beside_the_sources(project: Path) -> None:
    assert discovered(project, "pkg/old", "src/pkg", "src/pkg/sub") == ["pkg", "pkg.sub"]


def test_a_declared_folder_of_packages_is_searched_instead_of_the_root(project: Path) -> None:
    found = discovered(project, "pkg/old", "lib/pkg", "lib/pkg/sub", package_dir={"": "lib"})
    assert found == ["pkg", "pkg.sub"]
