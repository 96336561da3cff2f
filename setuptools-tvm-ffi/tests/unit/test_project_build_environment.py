# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.ffi.sdk import TVMFFISdk
from setuptools_tvm_ffi.project.build_environment import stable_names, used_names
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.toolchains.gnu import prefix_maps

SDK = TVMFFISdk(Version("0.1.15"), ("sdk/include", "sdk/dlpack"), "sdk/lib", "libtvm_ffi.so")
OVERLAY = "/tmp/pip-build-env-x1/overlay/lib/python3.11/site-packages"


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    path = ["", "/usr/lib/python3.11", OVERLAY, "/home/me/venv/lib/site-packages", "/home/me/tools"]
    monkeypatch.setattr(sys, "path", path)
    monkeypatch.setattr(sys, "prefix", "/home/me/venv")
    monkeypatch.setattr(sys, "base_prefix", "/usr")


def extension(*include_dirs: str) -> ExtensionSettings:
    return ExtensionSettings(name="pkg.ops", sources=("a.c",), include_dirs=include_dirs)


def test_folders_of_the_environment_have_names_inner_folders_first() -> None:
    assert list(stable_names("/project").items()) == [
        (OVERLAY, "site-packages"),
        ("/home/me/venv/lib/site-packages", "site-packages"),
        ("/home/me/venv", "build-environment"),
    ]


@pytest.mark.parametrize("root", ["/home/me/venv/src/project", "/home/me"])
def test_folders_inside_or_around_the_project_have_no_stable_name(root: str) -> None:
    assert "/home/me/venv" not in stable_names(root)


def test_an_environment_without_used_folders_is_not_mapped() -> None:
    assert used_names(["include", "/opt/include", "/home/me/venv2/include"], "/project") == {}
    assert len(prefix_maps(extension("/opt/include"), SDK, "/project")) == 3


@pytest.mark.parametrize("name", ["include_dirs", "system_include_dirs"])
def test_a_header_of_another_package_is_mapped_by_the_inner_map(name: str) -> None:
    folders = {name: ("/home/me/venv/lib/site-packages/numpy/include",)}
    settings = ExtensionSettings(name="pkg.ops", sources=("a.c",), **folders)
    maps = prefix_maps(settings, SDK, "/project")
    assert maps[:3] == (
        "-ffile-prefix-map=/home/me/venv=build-environment",
        "-ffile-prefix-map=/home/me/venv/lib/site-packages=site-packages",
        "-ffile-prefix-map=/project=.",
    )


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on PATH")
def test_objects_are_the_same_in_two_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = []
    project = tmp_path / "project"
    project.mkdir()
    (project / "a.c").write_text('#include "header.h"\n')
    for name in ("env-x1", "env-another"):
        packages = tmp_path / name / "lib" / "site-packages"
        include = packages / "other" / "include"
        include.mkdir(parents=True)
        (include / "header.h").write_text(
            "inline static int f(int a) { return a + 1; }\n"
            "const char *file(int a) { return f(a) ? __FILE__ : 0; }\n"
        )
        monkeypatch.setattr(sys, "path", [str(packages)])
        monkeypatch.setattr(sys, "prefix", str(tmp_path / name))
        maps = prefix_maps(extension(str(include)), SDK, str(project))
        command = ["gcc", "-g", "-c", f"-I{include}", *maps, "a.c", "-o", "a.o"]
        # Debug information contains the command line, except these maps.
        subprocess.run(command, cwd=project, check=True, env={"PATH": "/usr/bin:/bin"})
        objects.append((project / "a.o").read_bytes())
    assert objects[0] == objects[1]
    assert b"site-packages/other/include" in objects[0]
    assert str(tmp_path).encode() not in objects[0]
