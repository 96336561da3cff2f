# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import platform
import sys
import sysconfig

import pytest
from packaging.markers import default_environment
from setuptools_tvm_ffi.cross.targets import parse_target
from setuptools_tvm_ffi.plugin.target_markers import target_markers


def values(markers: dict[str, str]) -> tuple[str, ...]:
    names = ("sys_platform", "platform_machine", "platform_system", "os_name")
    assert set(markers) == set(names)
    return tuple(markers[name] for name in names)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("x86_64-linux-gnu.2.17", ("linux", "x86_64", "Linux", "posix")),
        ("aarch64-linux-musl", ("linux", "aarch64", "Linux", "posix")),
        ("aarch64-macos.11.0", ("darwin", "arm64", "Darwin", "posix")),
        ("x86_64-macos.11.0", ("darwin", "x86_64", "Darwin", "posix")),
        ("x86_64-windows-gnu", ("win32", "AMD64", "Windows", "nt")),
        ("aarch64-windows-gnu", ("win32", "ARM64", "Windows", "nt")),
    ],
)
def test_the_markers_of_a_target_are_those_of_its_python(
    target: str, expected: tuple[str, ...]
) -> None:
    made = target_markers(parse_target(target, where="target"), "linux-x86_64", {})
    assert values(made) == expected


@pytest.mark.parametrize(
    ("name", "archflags", "expected"),
    [
        ("linux-aarch64", "", ("linux", "aarch64", "Linux", "posix")),
        ("linux-armv7l", "", ("linux", "armv7l", "Linux", "posix")),
        ("macosx-11.0-arm64", "", ("darwin", "arm64", "Darwin", "posix")),
        ("macosx-11.0-arm64", "-arch x86_64", ("darwin", "x86_64", "Darwin", "posix")),
        ("macosx-10.9-universal2", "-arch arm64", ("darwin", "arm64", "Darwin", "posix")),
        (
            *("macosx-11.0-arm64", "-arch arm64 -arch x86_64"),
            ("darwin", "universal2", "Darwin", "posix"),
        ),
        (
            *("macosx-10.9-universal2", ""),
            ("darwin", platform.machine(), "Darwin", "posix"),
        ),
        ("win-amd64", "", ("win32", "AMD64", "Windows", "nt")),
        ("win-arm64", "", ("win32", "ARM64", "Windows", "nt")),
    ],
)
def test_the_markers_describe_the_platform_to_build_for(
    name: str, archflags: str, expected: tuple[str, ...]
) -> None:
    assert values(target_markers(None, name, {"ARCHFLAGS": archflags})) == expected


@pytest.mark.parametrize("name", [sysconfig.get_platform(), "freebsd-14.0-release-amd64"])
def test_a_build_for_this_machine_has_the_markers_of_this_python(name: str) -> None:
    if "universal2" in name:
        pytest.skip("this Python is universal")
    here = default_environment()
    expected = (sys.platform, *(here["platform_machine"], here["platform_system"], here["os_name"]))
    assert values(target_markers(None, name, {})) == expected
