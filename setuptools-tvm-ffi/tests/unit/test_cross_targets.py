# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from packaging.tags import parse_tag
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.cross.targets import EXAMPLES, parse_target, target_of
from setuptools_tvm_ffi.settings import Project, ProjectSettings


@pytest.mark.parametrize(
    ("name", "system", "tag"),
    [
        ("x86_64-linux-gnu.2.17", "linux", "manylinux_2_17_x86_64.manylinux2014_x86_64"),
        ("aarch64-linux-gnu.2.17", "linux", "manylinux_2_17_aarch64.manylinux2014_aarch64"),
        ("aarch64-linux-gnu.2.28", "linux", "manylinux_2_28_aarch64"),
        ("x86_64-linux-musl", "linux", "musllinux_1_2_x86_64"),
        ("aarch64-linux-musl", "linux", "musllinux_1_2_aarch64"),
        ("aarch64-macos.11.0", "darwin", "macosx_11_0_arm64"),
        ("aarch64-macos.14", "darwin", "macosx_14_0_arm64"),
        ("x86_64-macos.10.15", "darwin", "macosx_10_15_x86_64"),
        ("x86_64-macos.11.0", "darwin", "macosx_11_0_x86_64"),
        ("x86_64-windows-gnu", "windows", "win_amd64"),
        ("aarch64-windows-gnu", "windows", "win_arm64"),
    ],
)
def test_a_target_has_the_platform_tag_of_its_wheels(name: str, system: str, tag: str) -> None:
    target = parse_target(name, where="--target")
    assert (target.name, target.system, target.tag) == (name, system, tag)
    assert {parsed.platform for parsed in parse_tag(f"py3-none-{tag}")} == set(target.tags)


@pytest.mark.parametrize(
    ("name", "accepted", "refused"),
    [
        # libtvm_ffi may need a newer glibc than the target. The installer checks this.
        ("x86_64-linux-gnu.2.17", "manylinux_2_28_x86_64", "musllinux_1_2_x86_64"),
        ("aarch64-linux-gnu.2.28", "manylinux2014_aarch64", "manylinux_2_28_x86_64"),
        ("x86_64-linux-musl", "musllinux_1_1_x86_64", "manylinux_2_17_x86_64"),
        ("aarch64-macos.11.0", "macosx_12_0_universal2", "macosx_11_0_x86_64"),
        ("x86_64-macos.11.0", "macosx_10_15_x86_64", "macosx_11_0_arm64"),
        ("x86_64-windows-gnu", "win_amd64", "win_arm64"),
    ],
)
def test_only_wheels_of_the_same_platform_are_linked_with(
    name: str, accepted: str, refused: str
) -> None:
    platforms = parse_target(name, where="--target").platforms
    assert accepted in platforms
    assert refused not in platforms
    assert len(set(platforms)) == len(platforms)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_in_messages_are_targets(name: str) -> None:
    assert parse_target(name, where="--target").name == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x86-64-linux-gnu.2.17", "did you mean 'x86_64-linux-gnu.2.17'?"),
        ("x86_64-linux-gnu.2.17.1", "is not a target"),
        ("arm64-macos.11.0", "did you mean 'aarch64-macos.11.0'?"),
        ("x86_64-windows-msvc", "did you mean 'x86_64-windows-gnu'?"),
        ("manylinux_2_17_x86_64", "is not a target"),
        ("x86_64-linux-gnu.2.17\n", "is not a target"),
        ("../x86_64-linux-gnu.2.17", "is not a target"),
        ("", "is not a target"),
        ("x86_64-linux-gnu", "needs a minimum glibc version\nfor example 'x86_64-linux-gnu.2.17'"),
        ("aarch64-macos", "needs a minimum macOS version\nfor example 'aarch64-macos.11.0'"),
        ("x86_64-linux-musl.1.2", "linux-musl does not take a version"),
        ("x86_64-windows-gnu.10", "windows-gnu does not take a version"),
        ("x86_64-linux-gnu.2.12", "glibc are 2.17 to 2.44"),
        ("x86_64-linux-gnu.3.1", "glibc are 2.17 to 2.44"),
        ("aarch64-macos.10.15", "macOS on aarch64 are 11.0 to 27"),
        ("x86_64-macos.11.3", "use 'x86_64-macos.11.0' or 'x86_64-macos.12.0'"),
    ],
)
def test_an_invalid_target_is_rejected_by_name(name: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_target(name, where="--target")
    assert str(raised.value).startswith("--target: ")
    assert said in str(raised.value)


def test_the_target_of_a_project_is_parsed() -> None:
    assert target_of(Project(ProjectSettings())) is None
    declared = Project(ProjectSettings(target="x86_64-windows-gnu"))
    target = target_of(declared)
    assert target is not None
    assert target.tag == "win_amd64"
    wrong = Project(ProjectSettings(target="sparc"), {"target": "SETUPTOOLS_TVM_FFI_TARGET"})
    with pytest.raises(
        ConfigurationError, match=r"^SETUPTOOLS_TVM_FFI_TARGET: 'sparc' is not a target"
    ):
        target_of(wrong)
