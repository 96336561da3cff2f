# SPDX-License-Identifier: Apache-2.0
"""Fixtures for the plugin's tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from environments import Environment
from sample_projects import PROJECTS, Project, ProjectFactory
from setuptools_tvm_ffi.binaries.binary import BinaryReader


@pytest.fixture
def project(builder: Environment, tmp_path: Path) -> ProjectFactory:
    """Return a function that copies a sample project by name. Tests may break the copy."""

    def copy(name: str, environment: Environment = builder) -> Project:
        shutil.copytree(PROJECTS / name, tmp_path / name)
        return Project(tmp_path / name, environment)

    return copy


@pytest.fixture(scope="session")
def reader() -> Iterator[BinaryReader]:
    """The reader of shared libraries. It starts slowly, so all tests of a process share it."""
    with BinaryReader() as reader:
        yield reader
