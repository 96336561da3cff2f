# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.ffi.sdk import installed_version


class FinderOfWhatWasNotAskedFor(importlib.metadata.DistributionFinder):
    """Answers every name with what lies in one folder, as a frontend's may do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(self, *_: object) -> None:
        return None

    def find_distributions(
        self, context: object = None
    ) -> Iterator[importlib.metadata.Distribution]:
        del context
        for path in self.folder.glob("*.egg-info"):
            yield importlib.metadata.PathDistribution(path)


def metadata(folder: Path, name: str, version: str) -> None:
    folder.mkdir()
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (folder / "PKG-INFO").write_text(text)
    (folder / "METADATA").write_text(text)


def test_a_distribution_of_another_name_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "site").mkdir()
    metadata(tmp_path / "backend" / "other.egg-info", "other", "0.1.0")
    metadata(tmp_path / "site" / "apache_tvm_ffi-0.1.15.dist-info", "apache-tvm-ffi", "0.1.15")
    finder = FinderOfWhatWasNotAskedFor(tmp_path / "backend")
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert installed_version() == Version("0.1.15")


def test_without_one_there_is_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "backend").mkdir()
    metadata(tmp_path / "backend" / "other.egg-info", "other", "0.1.0")
    monkeypatch.setattr(sys, "meta_path", [FinderOfWhatWasNotAskedFor(tmp_path / "backend")])
    assert installed_version() is None
