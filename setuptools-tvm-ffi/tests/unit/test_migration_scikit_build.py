# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from setuptools_tvm_ffi.migration.scikit_build import ScikitBuild, read_table


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"minimum-version": "0.10", "cmake": {"version": ">=3.20", "verbose": True}},
        {"ninja": {"make-fallback": False}, "logging": {"level": "INFO"}},
        {"build-dir": "build/{wheel_tag}", "wheel": {"py-api": "py3"}},
        {"cmake": {"args": ["-G", "Ninja", "-Wno-dev"], "build-type": "Release"}},
        {"install": {"strip": False}, "editable": {"rebuild": False, "mode": "redirect"}},
        {"sdist": {"cmake": True, "reproducible": True, "include": []}},
        *({"wheel": {"packages": folders}} for folders in (["python/a"], ["src/a/", "src/b"])),
    ],
)
def test_keys_with_the_effect_of_the_plugin_are_dropped(table: dict[str, Any]) -> None:
    assert read_table(table) == ScikitBuild()


def test_keys_become_settings() -> None:
    found = read_table(
        {
            "build-dir": "out",
            "cmake": {
                "build-type": "RelWithDebInfo",
                "source-dir": "cpp",
                "args": ["-DA=1", "-DB:BOOL=ON"],
                "define": {"C": True, "D": ["x", "y"], "E": {"env": "E", "default": "e"}},
            },
            "wheel": {"install-dir": "a/lib"},
            "install": {"strip": True},
            "editable": {"rebuild": True},
        }
    )
    assert found.project == {
        "build-dir": "out",
        "strip": True,
        "editable-rebuild": True,
        "build-type": "release-debug-info",
    }
    assert found.definitions == {"A": "1", "B": "ON", "C": "ON", "D": "x;y", "E": "e"}
    assert (found.build_type, found.source_dir) == ("RelWithDebInfo", "cpp")
    assert found.install_dir == "a/lib"
    assert list(found.untranslated) == ["cmake.define.E"]


def test_an_install_dir_of_the_platlib_is_translated() -> None:
    assert read_table({"wheel": {"install-dir": "/platlib/a"}}).install_dir == "/@platlib/a"


def test_the_build_type_can_be_a_definition() -> None:
    found = read_table({"cmake": {"define": {"CMAKE_BUILD_TYPE": "Debug"}}})
    assert (found.build_type, found.project) == ("Debug", {"build-type": "debug"})


@pytest.mark.parametrize(
    ("table", "key", "words"),
    [
        ({"cmake": {"define": {"A": {"env": "FOO", "default": "x"}}}}, "cmake.define.A", "FOO"),
        ({"cmake": {"define": {"CMAKE_LINKER": "x"}}}, "cmake.define.CMAKE_LINKER", "CMAKE_LINKER"),
        ({"cmake": {"args": ["-DCMAKE_AR=x"]}}, "cmake.define.CMAKE_AR", "CMAKE_AR"),
        ({"wheel": {"exclude": ["a/**"]}}, "wheel.exclude", "exclude-package-data"),
        ({"wheel": {"py-api": "cp312"}}, "wheel.py-api", "py3-none"),
        ({"wheel": {"packages": {"a": "b"}}}, "wheel.packages", "packages.find"),
        ({"wheel": {"packages": ["lib/a"]}}, "wheel.packages", "lib/a"),
        ({"wheel": {"packages": ["python/a", "python/b"]}}, "wheel.packages", "python/b"),
        ({"wheel": {"install-dir": "/data/a"}}, "wheel.install-dir", "/data/a"),
        ({"wheel": {"license-files": ["L"]}}, "wheel.license-files", "L"),
        ({"cmake": {"args": ["--preset", "x"]}}, "cmake.args", "--preset"),
        ({"cmake": {"build-type": "MinSizeRel"}}, "cmake.build-type", "MinSizeRel"),
        ({"editable": {"mode": "inplace"}}, "editable.mode", "inplace"),
        ({"sdist": {"include": ["a.txt", "d/"]}}, "sdist.include", "MANIFEST.in"),
        ({"overrides": [{"if": {}}]}, "overrides", "overrides"),
        ({"metadata": {"version": {"provider": "x.fancy"}}}, "metadata", "x.fancy"),
        ({"future": {"key": 1}}, "future.key", "future.key = 1"),
        ({"wheel": {"cmake": False}}, "wheel.cmake", "wheel.cmake = False"),
    ],
)
def test_other_keys_are_named(table: dict[str, Any], key: str, words: str) -> None:
    untranslated = read_table(table).untranslated
    assert list(untranslated) == [key]
    assert untranslated[key].startswith("not translated: ")
    assert words in untranslated[key]
