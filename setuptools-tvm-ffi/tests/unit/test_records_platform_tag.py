# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest
from made_binaries import compile_library, make_macho, make_pe, make_universal
from packaging.requirements import Requirement
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.binaries import BUILD_REQUIREMENTS
from setuptools_tvm_ffi.binaries import binary as binaries
from setuptools_tvm_ffi.binaries.binary import BinaryReader
from setuptools_tvm_ffi.records.platform_tag import platform_tag, with_machine

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PLACE = "pyproject.toml: tool.setuptools-tvm-ffi.platform-tag"


@pytest.fixture(autouse=True)
def _one_reader(reader: BinaryReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Share one reader process among all tests, because it starts slowly."""
    monkeypatch.setattr(binaries, "BinaryReader", lambda: contextlib.nullcontext(reader))


def folder_with(folder: Path, **files: bytes) -> Path:
    (folder / "packed" / "pkg").mkdir(parents=True)
    for name, content in files.items():
        (folder / "packed" / "pkg" / name.replace("__", ".")).write_bytes(content)
    return folder / "packed"


def tag_of(folder: Path, wanted: str, default: str) -> str:
    return platform_tag(folder, wanted, default, place=PLACE)


@pytest.mark.parametrize(
    ("wanted", "platform", "whole"),
    [
        ("manylinux_2_28", "linux_x86_64", "manylinux_2_28_x86_64"),
        ("manylinux2014", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
        ("manylinux1", "linux_i686", "manylinux1_i686"),
        ("musllinux_1_2", "musllinux_1_1_armv7l", "musllinux_1_2_armv7l"),
        ("macosx_11_0", "macosx_10_13_universal2", "macosx_11_0_universal2"),
        ("manylinux_2_28_aarch64", "linux_x86_64", "manylinux_2_28_aarch64"),
        ("macosx_11_0_arm64", "macosx_11_0_x86_64", "macosx_11_0_arm64"),
        ("win_amd64", "win_arm64", "win_amd64"),
        ("manylinux_2_28", "win32", "manylinux_2_28"),
        ("manylinux_2_28", "any", "manylinux_2_28"),
    ],
)
def test_a_tag_without_a_machine_gets_the_machine_of_the_platform(
    wanted: str, platform: str, whole: str
) -> None:
    assert with_machine(wanted, platform) == whole


@pytest.mark.parametrize(
    ("library", "default", "tag"),
    [
        (make_macho("arm64", minimum_os=(11, 0)), "macosx_14_0_arm64", "macosx_11_0_arm64"),
        (make_macho("x86_64", minimum_os=(10, 13)), "macosx_11_0_x86_64", "macosx_10_13_x86_64"),
        (
            make_universal(make_macho("arm64"), make_macho("x86_64", minimum_os=(10, 9))),
            "macosx_11_0_universal2",
            "macosx_10_9_universal2",
        ),
    ],
)
def test_on_macos_the_tag_names_the_oldest_supported_release(
    library: bytes, default: str, tag: str, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, libops__dylib=library, text__txt=b"no library")
    assert tag_of(folder, "auto", default) == tag
    version = tag.rpartition("_")[0] if "x86" not in tag else tag[: -len("_x86_64")]
    assert tag_of(folder, version, default) == tag


def test_a_library_for_a_newer_macos_than_the_tag_is_rejected(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, libops__dylib=make_macho(minimum_os=(13, 0)))
    with pytest.raises(BuildError) as raised:
        tag_of(folder, "macosx_11_0", "macosx_13_0_arm64")
    assert raised.value.message == (
        f"{PLACE}: the libraries do not satisfy 'macosx_11_0_arm64':\n"
        "  pkg/libops.dylib: needs macOS 13.0 on arm64"
    )
    assert "the lowest tag that they satisfy is 'macosx_13_0_arm64'" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("win_amd64", "-C target=x86_64-windows-gnu"),
        ("manylinux_2_28_aarch64", "-C target=aarch64-linux-gnu.2.28"),
        ("macosx_11_0_x86_64", "-C target=x86_64-macos.11.0"),
        ("manylinux2014_x86_64", "-C target=x86_64-linux-gnu.2.17"),
        ("win32", "the setting 'target'"),
    ],
)
def test_a_tag_for_another_platform_leads_to_the_target(
    wanted: str, target: str, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, libops__dylib=make_macho(minimum_os=(13, 0)))
    with pytest.raises(BuildError) as raised:
        tag_of(folder, wanted, "macosx_13_0_arm64")
    assert target in (raised.value.hint or "")
    assert "lowest tag" not in (raised.value.hint or "")


@pytest.mark.parametrize("wanted", ["auto", "win_arm64"])
def test_on_windows_the_tag_is_the_machine(wanted: str, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, ops__dll=make_pe("arm64"))
    assert tag_of(folder, wanted, "win_arm64") == "win_arm64"
    with pytest.raises(BuildError, match=r"pkg/ops\.dll: PE file for arm64"):
        tag_of(folder, "win_amd64", "win_arm64")


def test_auto_warns_if_the_libraries_satisfy_no_manylinux_tag(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    odd = compile_library(tmp_path, "int odd(void) { return 1; }", name="libodd.so")
    assert odd
    library = compile_library(
        tmp_path, "int odd(void); int f(void) { return odd(); }", "-L.", "-lodd"
    )
    folder = folder_with(tmp_path, libops__so=library)
    tag = tag_of(folder, "auto", "linux_x86_64")
    assert tag.startswith("linux_")
    record, hint = caplog.records
    assert "setuptools-tvm-ffi repair" in hint.getMessage()
    assert record.getMessage().splitlines() == [
        f"setuptools-tvm-ffi: warning: {PLACE}: the libraries satisfy no manylinux tag, and PyPI "
        f"rejects '{tag}':",
        "  pkg/libops.so: needs libodd.so, which not every machine has",
    ]
    with pytest.raises(BuildError, match=r"needs libodd\.so"):
        tag_of(folder, "manylinux_2_28", tag)
    # The wheel contains the library.
    (folder / "pkg" / "libodd.so").write_bytes(odd)
    assert tag_of(folder, "auto", tag).startswith("manylinux_")


def test_a_corrupt_library_is_rejected(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, libops__so=b"\x7fELF and no more")
    with pytest.raises(BuildError) as raised:
        tag_of(folder, "auto", "linux_x86_64")
    assert raised.value.message.startswith(f"{PLACE}: pkg/libops.so: ")


def test_an_isolated_build_requires_the_packages_of_the_extra() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    # Tags for Windows do not restrict dependencies, so delvewheel's lists are not needed.
    others = [text for text in extras["audit"] if Requirement(text).name != "delvewheel"]
    assert sorted(BUILD_REQUIREMENTS) == sorted(others)


@pytest.mark.parametrize("folder", [".", "setuptools-tvm-ffi"])
def test_tools_with_private_tables_stay_below_their_next_major_release(folder: str) -> None:
    text = (Path(__file__).parents[3] / folder / "pyproject.toml").read_text(encoding="utf-8")
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    named = [Requirement(text) for extra in extras.values() for text in extra]
    untried = {"auditwheel": "7.0", "delvewheel": "2.0"}
    bounded = [asked for asked in named if asked.name in untried]
    assert {asked.name for asked in bounded} == set(untried)
    assert not [str(asked) for asked in bounded if untried[asked.name] in asked.specifier]
