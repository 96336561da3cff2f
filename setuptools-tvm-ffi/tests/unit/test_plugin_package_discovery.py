# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from setuptools import Distribution
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.plugin.package_discovery import PackageDiscovery


def create(root: Path, *packages: str) -> None:
    for package in packages:
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").touch()


def distribution(root: Path, *libraries: str, **attributes: Any) -> Any:
    extensions = [TVMFFIExtension(name, ["csrc/a.cpp"]) for name in libraries or ("pkg.ops",)]
    declared = {"name": "p", "version": "1", "ext_modules": extensions, "src_root": str(root)}
    made: Any = Distribution({**declared, **attributes})
    made.set_defaults = PackageDiscovery(made)
    made.set_defaults(ignore_ext_modules=True)  # as with a [project] table
    return made


def discovered(root: Path, *packages: str, **attributes: Any) -> list[str]:
    create(root, *packages)
    return sorted(distribution(root, **attributes).packages)


def refused(root: Path, *libraries: str) -> tuple[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        distribution(root, *libraries)
    return caught.value.message, str(caught.value.hint)


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


@pytest.mark.parametrize("sources", [["src"], ["src/pkg"], ["src/pkg", "pkg"], ["csrc", "tests"]])
def test_a_package_in_python_is_found_beside_sources(sources: list[str], project: Path) -> None:
    for folder in sources:
        (project / folder).mkdir(parents=True)
    create(project, "python/pkg", "python/pkg/sub", "python/tests")
    made = distribution(project)
    assert sorted(made.packages) == ["pkg", "pkg.sub"]
    assert made.package_dir == {"": "python"}


def test_the_declared_dictionary_of_folders_is_changed_in_place(project: Path) -> None:
    create(project, "python/pkg")
    declared: dict[str, str] = {}
    assert distribution(project, package_dir=declared).package_dir is declared
    assert declared == {"": "python"}


def test_namespace_packages_are_found(project: Path) -> None:
    create(project, "python/org/pkg")
    made = distribution(project, "org.pkg.ops")
    assert (sorted(made.packages), made.package_dir) == (["org", "org.pkg"], {"": "python"})
    (project / "python" / "org" / "pkg" / "__init__.py").unlink()
    assert distribution(project, "org.pkg.ops").package_dir == {"": "python"}


def test_a_folder_with_python_code_is_preferred_to_a_folder_with_sources(project: Path) -> None:
    create(project, "pkg")
    (project / "src" / "pkg").mkdir(parents=True)
    assert distribution(project).package_dir in (None, {})


def test_a_package_may_have_a_name_that_setuptools_reserves(project: Path) -> None:
    create(project, "utils")
    assert distribution(project, "utils.ops").packages == ["utils"]


@pytest.mark.parametrize("layout", ["", "python/"])
def test_the_package_with_the_name_of_the_distribution_is_included(
    layout: str, project: Path
) -> None:
    create(project, f"{layout}my_kernels", f"{layout}my_pkg", f"{layout}my_pkg/sub")
    made = distribution(project, "my_kernels.ops", name="My-Pkg")
    assert sorted(made.packages) == ["my_kernels", "my_pkg", "my_pkg.sub"]
    assert made.set_defaults.left_out[0] == []


def test_other_packages_are_left_out_with_lines_that_add_them(project: Path) -> None:
    create(project, "python/pkg", "python/other", "python/tests", "top")
    (project / "python" / "data").mkdir()
    made = distribution(project)
    assert made.packages == ["pkg"]
    names, table = made.set_defaults.left_out
    assert names == ["other"]
    assert table.splitlines() == [
        "[tool.setuptools.packages.find]",
        'where = ["python"]',
        'include = ["other", "other.*", "pkg", "pkg.*"]',
    ]


def test_the_error_for_a_package_elsewhere_has_the_lines_to_write(project: Path) -> None:
    create(project, "bindings/py/pkg", "build/lib/pkg", "env/pkg", ".hidden/pkg", "other")
    (project / "env" / "pyvenv.cfg").touch()
    message, hint = refused(project)
    assert "bindings/py" in message
    assert hint.splitlines()[1:] == [
        "[tool.setuptools.packages.find]",
        'where = ["bindings/py"]',
        'include = ["pkg", "pkg.*"]',
    ]


def test_the_error_for_packages_in_several_folders_names_all_folders(project: Path) -> None:
    create(project, "python/a", "lib/b")
    _, hint = refused(project, "a.ops", "b.ops")
    assert 'where = ["lib", "python"]\ninclude = ["a", "a.*", "b", "b.*"]' in hint


def test_the_error_for_a_missing_package_names_the_file_to_create(project: Path) -> None:
    create(project, "csrc", "other")
    message, hint = refused(project, "pkg.sub.ops")
    assert "'pkg.sub' is missing" in message
    assert "python/pkg/sub/__init__.py" in hint
