# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.project.package_tree import PackageTree
from setuptools_tvm_ffi.settings import ExtensionSettings


def tree(*packages: str) -> PackageTree:
    """Packages in `src`, and the package `elsewhere` in a folder with a different name."""

    def folder_of(package: str) -> str:
        return "other/folder" if package == "elsewhere" else f"src/{package.replace('.', '/')}"

    return PackageTree(packages, folder_of)


def extension(name: str, **settings: str) -> ExtensionSettings:
    return ExtensionSettings(name=name, sources=("a.c",), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("pkg/libops.so", "src/pkg/libops.so"),
        ("pkg/sub/_ffi_api.py", "src/pkg/sub/_ffi_api.py"),
        ("elsewhere/x.py", "other/folder/x.py"),
        (
            "pkg/libops.dylib.dSYM/Contents/Info.plist",
            "src/pkg/libops.dylib.dSYM/Contents/Info.plist",
        ),
        (
            "elsewhere/a.dSYM/Contents/Resources/DWARF/a",
            "other/folder/a.dSYM/Contents/Resources/DWARF/a",
        ),
    ],
)
def test_a_file_of_the_wheel_has_a_path_in_the_source_tree(path: str, source: str) -> None:
    assert tree().source_of(PurePosixPath(path)) == Path(source)


def test_subpackages_are_found_on_disk_and_in_declared_folders(
    tmp_path: Path,
) -> None:
    for folder in ("pkg/sub/deep", "pkg/not-a-package", "pkg/__pycache__", "pkg2", "far"):
        (tmp_path / folder).mkdir(parents=True)
    declared = {"pkg": "pkg", "pkg.far": "far", "pkg2": "pkg2", "pkg.sub": "pkg/sub"}
    found = PackageTree(tuple(declared), lambda package: str(tmp_path / declared[package]))
    assert dict(found.folders("pkg")) == {
        "pkg": tmp_path / "pkg",
        "pkg.sub": tmp_path / "pkg/sub",
        "pkg.sub.deep": tmp_path / "pkg/sub/deep",
        "pkg.far": tmp_path / "far",
    }


def test_the_outermost_packages_are_those_that_are_imported_first(tmp_path: Path) -> None:
    for package in ("a", "a/b", "a/c", "n/s", "n/t/u"):
        (tmp_path / package).mkdir(parents=True, exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
    packages = ("a", "a.b", "a.c", "n", "n.s", "n.t", "n.t.u", "other")
    found = PackageTree(packages, lambda package: str(tmp_path / package.replace(".", "/")))
    every = ("a.b.x", "a.c.y", "a.w", "n.s.z", "n.t.u.v", "n.t.bare")
    # `n` and `n.t` are namespaces that may contain packages of other distributions.
    assert found.outermost([extension(name) for name in every]) == ["a", "n.s", "n.t", "n.t.u"]


def test_an_extension_in_a_package_of_the_distribution_is_accepted() -> None:
    tree("pkg", "pkg.sub").check([extension("pkg.a"), extension("pkg.sub.b")])


@pytest.mark.parametrize(
    ("packages", "listed"), [((), "none"), (("pkg.sub", "other"), "pkg.sub, other")]
)
def test_the_error_for_an_extension_in_another_package_lists_the_packages(
    packages: tuple[str, ...], listed: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        tree(*packages).check([extension("pkg.a")])
    assert caught.value.message == (
        f"extension 'pkg.a': its package 'pkg' is not one of the distribution's packages ({listed})"
    )
    assert caught.value.hint is not None
    assert f"{tree().folder_of('pkg')}/__init__.py" in caught.value.hint
    assert "tool.setuptools.packages" in caught.value.hint


def test_the_error_names_the_folder_of_a_package_that_is_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "python" / "pkg").mkdir(parents=True)
    (tmp_path / "python" / "pkg" / "__init__.py").touch()
    with pytest.raises(ConfigurationError) as caught:
        tree().check([extension("pkg.a")])
    assert caught.value.hint is not None
    assert 'where = ["python"]\ninclude = ["pkg", "pkg.*"]' in caught.value.hint


@pytest.mark.parametrize("prefix", ["other", "pk", "pkg2", "other.pkg"])
def test_a_prefix_outside_the_package_is_rejected_if_stubs_are_created(prefix: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        tree("pkg").check([extension("pkg.a", registry_prefix=prefix)])
    message = caught.value.message
    assert message.startswith(f"extension 'pkg.a': registry_prefix: {prefix!r} lies outside")
    assert "package 'pkg'" in message


@pytest.mark.parametrize("stubs", ["directives", "none"])
def test_a_prefix_outside_the_package_is_accepted_if_no_stubs_are_created(stubs: str) -> None:
    tree("pkg").check([extension("pkg.a", registry_prefix="other", stubs=stubs)])


@pytest.mark.parametrize("prefix", ["pkg", "pkg.", "pkg.ops.more"])
def test_a_prefix_inside_the_package_is_accepted(prefix: str) -> None:
    tree("pkg").check([extension("pkg.a", registry_prefix=prefix)])
