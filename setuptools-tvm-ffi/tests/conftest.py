# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the plugin's tests."""

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
    """Copy a sample project by name; the copy may be broken."""

    def copy(name: str, environment: Environment = builder) -> Project:
        shutil.copytree(PROJECTS / name, tmp_path / name)
        return Project(tmp_path / name, environment)

    return copy


@pytest.fixture(scope="session")
def reader() -> Iterator[BinaryReader]:
    """What reads libraries: one for all tests of a process, since it is slow to start."""
    with BinaryReader() as reader:
        yield reader
