# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.building.plan import LibraryPlan
from setuptools_tvm_ffi.building.request import BuildResult, BuiltLibrary
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.records.provenance import check_vendored, make_sbom
from setuptools_tvm_ffi.records.sbom import MainComponent
from setuptools_tvm_ffi.settings import ExtensionSettings, Project, ProjectSettings
from setuptools_tvm_ffi.settings.model import EmbedSettings, VendoredSettings
from setuptools_tvm_ffi.toolchains import Compiler, EnvironmentFlags
from setuptools_tvm_ffi.toolchains.gnu import GnuToolchain

SDK = TVMFFISdk(Version("0.1.15"), ("build/sdk/include",), "build/sdk/lib", "libtvm_ffi.so")
GNU = GnuToolchain(
    {"c": Compiler(("gcc",), "gcc", "gcc 12.2.0")}, "linux", "/project", EnvironmentFlags()
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "third_party").mkdir()
    for name in ("linked.a", "sources.tar"):
        (tmp_path / "third_party" / name).write_text(name)
    return tmp_path


def project(*paths: str | None) -> Project:
    vendored = tuple(VendoredSettings(name=f"part{n}", path=path) for n, path in enumerate(paths))
    return Project(ProjectSettings(vendored=vendored))


@pytest.mark.parametrize(
    "linked",
    [
        {"extra_objects": ("third_party/linked.a",)},
        {
            "embed": (
                EmbedSettings("a", file="third_party/linked.a"),
                EmbedSettings("b", file="third_party/./linked.a"),
                EmbedSettings("c", source="kernels/c.cu"),
            )
        },
    ],
)
def test_a_linked_or_embedded_file_is_a_part_of_its_library_only(
    root: Path, linked: dict[str, Any]
) -> None:
    described = project("third_party/./linked.a", "third_party/sources.tar", None)
    settings = ExtensionSettings(name="pkg.ops", sources=("a.c",), **linked)
    plan = LibraryPlan(settings, "build/libops.so", (), {"c": (), "link": ()})
    result = BuildResult((BuiltLibrary(plan, b"library", {}),), GNU, SDK, "ninja", {})
    document = json.loads(make_sbom(MainComponent("p", "1"), described, result, root, None))
    edges = {edge["ref"]: edge.get("dependsOn", []) for edge in document["dependencies"]}
    library = "library:pkg/libops.so"
    assert edges["pkg:pypi/p@1"] == [library, "part:part2", "part:third_party/sources.tar"]
    assert edges[library] == ["pkg:pypi/apache-tvm-ffi@0.1.15", "part:third_party/linked.a"]


@pytest.mark.parametrize("path", ["third_party/missing.a", "third_party", "../a.tar", "/a.tar"])
def test_a_vendored_file_that_is_missing_or_outside_is_rejected(root: Path, path: str) -> None:
    (root.parent / "a.tar").touch()
    with pytest.raises(ConfigurationError, match=path):
        check_vendored(project("third_party/linked.a", path), root)


def test_two_descriptions_of_one_file_are_rejected(root: Path) -> None:
    check_vendored(project("third_party/linked.a", "third_party/sources.tar", None), root)
    with pytest.raises(ConfigurationError, match=r"third_party/linked\.a"):
        check_vendored(project("third_party/linked.a", "third_party/./linked.a"), root)
