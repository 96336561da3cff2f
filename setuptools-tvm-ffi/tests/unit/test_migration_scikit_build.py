# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from setuptools_tvm_ffi.migration.scikit_build import read_table


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
    ],
)
def test_keys_with_the_effect_of_the_plugin_are_dropped(table: dict[str, Any]) -> None:
    found = read_table(table)
    assert found.untranslated == {}
    assert found.project == {}
    assert found.setuptools == {}


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
            "wheel": {"packages": ["python/a/"], "install-dir": "a/lib", "exclude": ["**.h"]},
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
    assert found.build_type == "RelWithDebInfo"
    assert found.source_dir == "cpp"
    assert found.install_dir == "a/lib"
    assert found.packages == ["python/a"]
    assert found.setuptools == {"tool.setuptools.exclude-package-data": {"*": ["**.h"]}}
    assert list(found.untranslated) == ["cmake.define.E"]


@pytest.mark.parametrize(
    ("table", "key", "words"),
    [
        ({"cmake": {"define": {"A": {"env": "FOO", "default": "x"}}}}, "cmake.define.A", "FOO"),
        ({"cmake": {"define": {"CMAKE_LINKER": "x"}}}, "cmake.define.CMAKE_LINKER", "CMAKE_LINKER"),
        ({"cmake": {"args": ["-DCMAKE_AR=x", "-DCMAKE_LINKER=y"]}}, "cmake.args", "AR is not"),
        ({"cmake": {"args": ["-DCMAKE_AR=x", "-DCMAKE_LINKER=y"]}}, "cmake.args", "LINKER is not"),
        ({"wheel": {"exclude": ["my_package/src/**"]}}, "wheel.exclude", "exclude-package-data"),
        ({"wheel": {"py-api": "cp312"}}, "wheel.py-api", "py3-none"),
        ({"wheel": {"packages": {"a": "b"}}}, "wheel.packages", "package-dir"),
        ({"wheel": {"license-files": ["L"]}}, "wheel.license-files", "no equivalent"),
        ({"cmake": {"args": ["--preset", "x"]}}, "cmake.args", "--preset"),
        ({"cmake": {"build-type": "MinSizeRel"}}, "cmake.build-type", "MinSizeRel"),
        ({"cmake": {"targets": ["a"]}}, "cmake.targets", "no equivalent"),
        ({"install": {"components": ["a"]}}, "install.components", "no equivalent"),
        ({"editable": {"mode": "inplace"}}, "editable.mode", "no equivalent"),
        ({"sdist": {"include": ["a.txt", "d/"]}}, "sdist.include", "MANIFEST.in: a.txt, d/"),
        (
            {"sdist": {"exclude": ["t/**", "**/*.o"]}},
            "sdist.exclude",
            "MANIFEST.in: t/**",
        ),
        ({"overrides": [{"if": {}}]}, "overrides", "no equivalent"),
        ({"generate": [{"path": "x"}]}, "generate", "no equivalent"),
        ({"metadata": {"readme": {"provider": "x.fancy"}}}, "metadata", "no equivalent"),
    ],
)
def test_other_keys_are_named(table: dict[str, Any], key: str, words: str) -> None:
    untranslated = read_table(table).untranslated
    assert list(untranslated) == [key]
    assert words in untranslated[key]
