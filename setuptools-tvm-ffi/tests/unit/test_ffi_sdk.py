# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.version import Version
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.ffi import sdk
from setuptools_tvm_ffi.ffi.process import ChildResult, TVMFFIProcess
from setuptools_tvm_ffi.ffi.sdk import installed_version, prepare_sdk


class FinderIgnoringNames(importlib.metadata.DistributionFinder):
    """Returns all distributions in a folder for every name, like pyproject_hooks."""

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


def test_a_distribution_of_another_name_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "site").mkdir()
    metadata(tmp_path / "backend" / "other.egg-info", "other", "0.1.0")
    metadata(tmp_path / "site" / "apache_tvm_ffi-0.1.15.dist-info", "apache-tvm-ffi", "0.1.15")
    finder = FinderIgnoringNames(tmp_path / "backend")
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert installed_version() == Version("0.1.15")


def test_without_a_distribution_there_is_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "backend").mkdir()
    metadata(tmp_path / "backend" / "other.egg-info", "other", "0.1.0")
    monkeypatch.setattr(sys, "meta_path", [FinderIgnoringNames(tmp_path / "backend")])
    assert installed_version() is None


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Version]:
    """The copies that `prepare_sdk` makes."""
    metadata(tmp_path / "apache_tvm_ffi-0.1.15.dist-info", "apache-tvm-ffi", "0.1.15")
    found = importlib.metadata.PathDistribution(tmp_path / "apache_tvm_ffi-0.1.15.dist-info")
    monkeypatch.setattr(sdk, "find_distribution", lambda _: found)
    made: list[Version] = []

    def copy(root: Path, folder: Path, version: Version, process: object) -> dict[str, object]:
        del process
        made.append(version)
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "ffi.h").touch()
        files = [f"{folder.as_posix()}/ffi.h"]
        return {"include_dirs": ["include"], "library": "libtvm_ffi.so", "files": files}

    monkeypatch.setattr(sdk, "_copy", copy)
    return made


@pytest.mark.parametrize("content", ["[]", "1", "null", '"origin"', "{", "[" * 100_000])
def test_a_corrupt_origin_makes_a_new_copy(
    tmp_path: Path, copies: list[Version], content: str
) -> None:
    origin = tmp_path / "build" / "sdk" / "origin.json"
    origin.parent.mkdir(parents=True)
    origin.write_text(content)
    for _ in range(2):
        made = prepare_sdk(tmp_path, Path("build/sdk"), TVMFFIProcess(tmp_path))
        assert made.library == "libtvm_ffi.so"
    assert copies == [Version("0.1.15")]
    assert json.loads(origin.read_text())["library"] == "libtvm_ffi.so"


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ({"libinfo.py": "def load_lib_module():", "stub/cli.py": '"--init-pypkg"'}, None),
        ({"libinfo.py": "", "stub/cli.py": '"--init-pypkg"'}, "libinfo.py"),
        ({"libinfo.py": "def load_lib_module():"}, "stub/cli.py"),
    ],
)
def test_a_clone_without_tags_is_judged_by_its_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], missing: str | None
) -> None:
    version = "0.1.dev1+g0123abc"
    site = tmp_path / "site"
    for name, content in {"__init__.py": "", **files}.items():
        (site / "tvm_ffi" / name).parent.mkdir(parents=True, exist_ok=True)
        (site / "tvm_ffi" / name).write_text(content)
    metadata(site / f"apache_tvm_ffi-{version}.dist-info", "apache-tvm-ffi", version)
    monkeypatch.delitem(sys.modules, "tvm_ffi", raising=False)
    monkeypatch.syspath_prepend(str(site))
    copied = {"include_dirs": ["include"], "library": "libtvm_ffi.so", "files": []}
    monkeypatch.setattr(sdk, "_copy", lambda *_: copied)
    process: Any = None
    if missing is None:
        assert prepare_sdk(tmp_path, Path("sdk"), process).version == Version(version)
    else:
        with pytest.raises(BuildError, match=f"{version}: {missing} has no".replace("+", "[+]")):
            prepare_sdk(tmp_path, Path("sdk"), process)


@pytest.mark.parametrize(
    ("place", "url", "is_editable"),
    [
        ("site/tvm_ffi", None, False),
        ("site/tvm_ffi", '{"url": "file:///a.whl", "archive_info": {}}', False),
        ("site/tvm_ffi", '{"url": "file:///a", "dir_info": {"editable": true}}', True),
        ("clone", None, True),
    ],
)
def test_edited_headers_of_an_editable_install_are_copied(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    url: str | None,
    *,
    is_editable: bool,
) -> None:
    site, package = tmp_path / "site", tmp_path / place
    site.mkdir()
    info = site / "apache_tvm_ffi-0.1.15.dist-info"
    metadata(info, "apache-tvm-ffi", "0.1.15")
    if url is not None:
        (info / "direct_url.json").write_text(url)
    (package / "include").mkdir(parents=True)
    header, library = package / "include" / "ffi.h", package / "libtvm_ffi.so"
    header.write_text("old")
    library.touch()
    found = importlib.metadata.PathDistribution(info)
    monkeypatch.setattr(sdk, "find_distribution", lambda _: found)
    lines = "\n".join(map(str, (header.parent, header.parent, library)))
    process: Any = SimpleNamespace(config=lambda _: ChildResult({"config": lines}, "", None))
    prepare_sdk(tmp_path, Path("build"), process)
    header.write_text("new")
    made = prepare_sdk(tmp_path, Path("build"), process)
    copy = tmp_path / "build" / "include" / "ffi.h"
    assert copy.read_text() == ("new" if is_editable else "old")
    originals = (str(header.parent), str(header), str(library)) if is_editable else ()
    assert made.originals == originals
