# SPDX-License-Identifier: Apache-2.0
"""Downloads of apache-tvm-ffi for a target, from a folder of handmade wheels."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from pathlib import Path

import pytest
from environments import REPOSITORY
from made_wheels import write_wheel
from packaging.requirements import Requirement
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.building import ninja
from setuptools_tvm_ffi.cross import requirements, target_sdk
from setuptools_tvm_ffi.cross.target_sdk import NoWheelError, download_arguments, prepare_target_sdk
from setuptools_tvm_ffi.cross.targets import Target, parse_target
from setuptools_tvm_ffi.ffi import releases

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WINDOWS = parse_target("x86_64-windows-gnu", where="--target")
MUSL = parse_target("x86_64-linux-musl", where="--target")
HEADERS = {
    "tvm_ffi/include/tvm/ffi/c_api.h": b"/* api */",
    "tvm_ffi/3rdparty/dlpack/include/dlpack/dlpack.h": b"/* dlpack */",
}
OTHERS = {"tvm_ffi/core.pyd": b"core", "tvm_ffi/lib/tvm_ffi_testing.lib": b"testing"}
HOST = sysconfig.get_platform().replace("-", "_").replace(".", "_")
PYTHON = f"cp{sys.version_info[0]}{sys.version_info[1]}"


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheelhouse with a blank"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    monkeypatch.setattr(target_sdk, "installed_version", lambda: Version("0.1.15"))
    return folder


def add(folder: Path, library: str, platform: str, *, version: str = "0.1.15") -> None:
    write_wheel(
        folder,
        {**HEADERS, **OTHERS, library: b"library"},
        tag=f"{PYTHON}-{PYTHON}-{platform}",
        distribution=f"apache_tvm_ffi-{version}",
    )


def prepare(tmp_path: Path, target: Target) -> target_sdk.TVMFFISdk:
    return prepare_target_sdk(tmp_path, Path("build/sdk"), target)


def test_headers_and_library_are_extracted_and_pip_runs_once(
    wheelhouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(wheelhouse, "tvm_ffi/lib/tvm_ffi.lib", "win_amd64")
    made = prepare(tmp_path, WINDOWS)
    assert made.include_dirs == (
        "build/sdk/tvm_ffi/include",
        "build/sdk/tvm_ffi/3rdparty/dlpack/include",
        "build/sdk/stand-ins",
    )
    assert (made.library_dir, made.library) == ("build/sdk/tvm_ffi/lib", "tvm_ffi.lib")
    root = tmp_path / "build" / "sdk"
    kept = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    assert kept == {
        *HEADERS,
        *("tvm_ffi/lib/tvm_ffi.lib", "stand-ins/windows-stand-ins.h", "origin.json"),
    }
    monkeypatch.delattr(target_sdk, "_download")
    assert prepare(tmp_path, WINDOWS) == made


def test_the_installed_release_is_downloaded(wheelhouse: Path, tmp_path: Path) -> None:
    add(wheelhouse, "tvm_ffi/lib/tvm_ffi.lib", "win_amd64", version="0.1.14.post1")
    add(wheelhouse, "tvm_ffi/lib/libtvm_ffi.so", HOST)
    said = r"apache-tvm-ffi 0\.1\.15 has no wheel for x86_64-windows-gnu"
    with pytest.raises(NoWheelError, match=said):
        prepare(tmp_path, WINDOWS)


@pytest.mark.parametrize("index", ["unreachable", "without the release"])
def test_an_index_without_the_release_is_not_reported_as_a_missing_wheel(
    wheelhouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: str
) -> None:
    if index == "unreachable":
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_RETRIES", "0")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    else:
        add(wheelhouse, "tvm_ffi/lib/libtvm_ffi.so", HOST, version="0.1.14.post1")
    with pytest.raises(BuildError, match=r"pip cannot fetch apache-tvm-ffi 0\.1\.15") as raised:
        prepare(tmp_path, MUSL)
    assert not isinstance(raised.value, NoWheelError)
    assert "check that pip's index is reachable" in (raised.value.hint or "")


@pytest.mark.parametrize("content", [b"cut off", None])
def test_a_changed_or_missing_file_causes_a_new_download(
    wheelhouse: Path, tmp_path: Path, content: bytes | None
) -> None:
    add(wheelhouse, "tvm_ffi/lib/tvm_ffi.lib", "win_amd64")
    prepare(tmp_path, WINDOWS)
    library = tmp_path / "build" / "sdk" / "tvm_ffi" / "lib" / "tvm_ffi.lib"
    library.unlink()
    if content is not None:
        library.write_bytes(content)
    prepare(tmp_path, WINDOWS)
    assert library.read_bytes() == b"library"


@pytest.mark.parametrize("content", ["[]", "1", "null", '"origin"', "{", "[" * 100_000])
def test_a_corrupt_origin_file_causes_a_new_download(
    wheelhouse: Path, tmp_path: Path, content: str
) -> None:
    add(wheelhouse, "tvm_ffi/lib/tvm_ffi.lib", "win_amd64")
    origin = tmp_path / "build" / "sdk" / "origin.json"
    origin.parent.mkdir(parents=True)
    origin.write_text(content)
    assert prepare(tmp_path, WINDOWS).library == "tvm_ffi.lib"
    assert set(json.loads(origin.read_text())) == {"version", "target", "files"}


def test_a_failing_pip_is_not_reported_as_a_missing_wheel(
    wheelhouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(wheelhouse, "tvm_ffi/lib/libtvm_ffi.so", HOST)
    with pytest.raises(NoWheelError, match=r"no wheel for x86_64-linux-musl"):
        prepare(tmp_path, MUSL)
    monkeypatch.setenv("PIP_DEST", "")
    monkeypatch.setenv("PIP_TIMEOUT", "no number")
    with pytest.raises(BuildError, match=r"pip cannot fetch") as raised:
        prepare(tmp_path, MUSL)
    assert not isinstance(raised.value, NoWheelError)


def test_a_wheel_without_the_library_is_rejected(wheelhouse: Path, tmp_path: Path) -> None:
    add(wheelhouse, "tvm_ffi/lib/other.lib", "win_amd64")
    with pytest.raises(BuildError, match=r"tvm_ffi/lib/tvm_ffi\.lib is missing"):
        prepare(tmp_path, WINDOWS)


def test_pip_downloads_wheels_of_the_target_only(tmp_path: Path) -> None:
    arguments = download_arguments(WINDOWS, Version("0.1.15.post2"), (3, 11), tmp_path)
    assert arguments == [
        *("download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(tmp_path)),
        *("--implementation", "cp", "--python-version", "3.11"),
        *("--abi", "cp311", "--abi", "abi3", "--abi", "none"),
        *("--platform", "win_amd64", "apache-tvm-ffi==0.1.15.post2"),
    ]


def test_a_missing_pip_is_reported(
    wheelhouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del wheelhouse
    monkeypatch.setattr(target_sdk, "has_pip", lambda: False)
    with pytest.raises(BuildError, match=r"pip is not installed.* apache-tvm-ffi"):
        prepare(tmp_path, WINDOWS)


def test_an_isolated_build_requires_zig_and_a_missing_pip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requirements, "has_pip", lambda: True)
    asked = [Requirement(text).name for text in requirements.cross_requirements()]
    assert asked == ["ziglang", "auditwheel", "lief"]
    monkeypatch.setattr(requirements, "has_pip", lambda: False)
    assert Requirement(requirements.cross_requirements()[-1]).name == "pip"


def test_the_extra_has_the_requirements_of_an_isolated_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requirements, "has_pip", lambda: False)
    text = (REPOSITORY / "setuptools-tvm-ffi" / "pyproject.toml").read_text(encoding="utf-8")
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    named = {*extras["audit"], *extras["cross"]} - {"setuptools-tvm-ffi[audit]"}
    # Only the audit of finished wheels needs the list of Windows DLLs.
    named = {text for text in named if Requirement(text).name != "delvewheel"}
    isolated = (releases.BUILD_REQUIREMENT, ninja.BUILD_REQUIREMENT)
    assert named == {*requirements.cross_requirements(), *isolated}
