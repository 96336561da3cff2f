# SPDX-License-Identifier: Apache-2.0
"""The requirement on apache-tvm-ffi in the metadata of a wheel and of an sdist."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from setuptools import Distribution
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.ffi.releases import BUILD_REQUIREMENT, requirement_for
from setuptools_tvm_ffi.ffi.sdk import installed_version
from setuptools_tvm_ffi.plugin.commands.requirement import (
    declare_placeholder,
    declare_requirement,
)

PYPROJECT = '[project]\nname = "p"\nversion = "1"\ndynamic = ["dependencies"]\n'


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SETUPTOOLS_TVM_FFI_ABI_FLOOR", raising=False)
    Path("pyproject.toml").write_text(PYPROJECT)
    made: Any = Distribution({"name": "p", "version": "1"})
    made.install_requires = ["numpy"]
    return made


def test_an_sdist_has_the_wide_requirement(distribution: Any) -> None:
    for _ in range(2):
        declare_placeholder(distribution)
        assert distribution.install_requires == ["numpy", BUILD_REQUIREMENT]
    assert distribution.metadata.install_requires == distribution.install_requires


@pytest.mark.skipif(installed_version() is None, reason="apache-tvm-ffi is not installed")
@pytest.mark.parametrize("of_sdist", [False, True])
def test_a_wheel_requires_the_release_of_its_build_instead(
    distribution: Any, *, of_sdist: bool
) -> None:
    if of_sdist:
        declare_placeholder(distribution)
    version = installed_version()
    assert version is not None
    for _ in range(2):
        declare_requirement(distribution, warn=True)
        assert distribution.install_requires == ["numpy", requirement_for(version)]
    assert distribution.metadata.install_requires == distribution.install_requires


def test_an_unknown_release_is_reported_unless_a_floor_is_declared(
    distribution: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module = importlib.import_module(declare_requirement.__module__)
    monkeypatch.setattr(module, "installed_version", lambda: Version("0.1.dev1+g0123abc"))
    declare_requirement(distribution, warn=True)
    assert "0.1.dev1+g0123abc" in caplog.text
    assert "abi-floor" in caplog.text
    caplog.clear()
    monkeypatch.setenv("SETUPTOOLS_TVM_FFI_ABI_FLOOR", "0.1.15")
    with_floor: Any = Distribution({"name": "p", "version": "1"})
    declare_requirement(with_floor, warn=True)
    assert with_floor.install_requires == [requirement_for(Version("0.1.15"))]
    assert caplog.text == ""


@pytest.mark.skipif(installed_version() is None, reason="apache-tvm-ffi is not installed")
def test_a_wheel_without_the_requirement_is_refused_with_the_line_to_add(distribution: Any) -> None:
    Path("pyproject.toml").write_text(PYPROJECT.replace("dynamic", "# dynamic"))
    version = installed_version()
    assert version is not None
    with pytest.raises(
        ConfigurationError, match=r"project\.dependencies: apache-tvm-ffi"
    ) as caught:
        declare_requirement(distribution, warn=True)
    hint = caught.value.hint or ""
    assert f'"{requirement_for(version)}" to the list project.dependencies' in hint
    declare_requirement(distribution, warn=False)  # only the metadata of a build is rejected
    distribution.install_requires = []
    with pytest.raises(ConfigurationError) as caught:
        declare_requirement(distribution, warn=True)
    assert f'dependencies = ["{requirement_for(version)}"]' in (caught.value.hint or "")


@pytest.mark.skipif(installed_version() is None, reason="apache-tvm-ffi is not installed")
@pytest.mark.parametrize(
    ("target", "marker", "is_required"),
    [
        *((None, "extra == 'ffi'", False), (None, "python_version < '3'", False)),
        *((None, "python_version >= '3'", True), ("x86_64-windows-gnu", "os_name == 'nt'", True)),
        ("x86_64-windows-gnu", "os_name == 'posix'", False),
    ],
)
def test_a_requirement_whose_marker_excludes_the_platform_is_not_enough(
    distribution: Any,
    monkeypatch: pytest.MonkeyPatch,
    target: str | None,
    marker: str,
    *,
    is_required: bool,
) -> None:
    version = installed_version()
    assert version is not None
    if target is not None:
        monkeypatch.setenv("SETUPTOOLS_TVM_FFI_TARGET", target)
    declared = f"{requirement_for(version)}; {marker}"
    distribution.install_requires = [declared]
    declare_requirement(distribution, warn=True)
    added = [] if is_required else [requirement_for(version)]
    assert distribution.install_requires == [declared, *added]
