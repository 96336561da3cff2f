# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from setuptools_tvm_ffi.building.package_headers_child import answer

MODULE = """\
import pathlib
HERE = pathlib.Path(__file__).parent / "include"
class Paths:
    folders = [HERE, str(HERE / "deep")]
def get_include(): return str(HERE)
def get_includes(): return (HERE / "deep", HERE)
def needs_argument(name): return name
def get_none(): return None
def get_nothing(): return []
def get_missing(): return HERE / "missing"
def get_file(): return __file__
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of packages: `packed_headers` with a module `paths`, and a namespace package."""
    top = tmp_path_factory.mktemp("packages")
    site, other = top / "site", top / "other"
    for folder in (
        site / "packed_headers" / "include" / "deep",
        site / "spread_headers" / "one" / "include",
        other / "spread_headers" / "two" / "include",
    ):
        folder.mkdir(parents=True)
    (site / "packed_headers" / "__init__.py").write_text("")
    (site / "packed_headers" / "paths.py").write_text(MODULE)
    (site / "packed_headers" / "broken.py").write_text("raise RuntimeError('no driver')")
    (site / "packed_headers" / "needy.py").write_text("import not_installed_at_all.deep")
    (site / "explosive_headers" / "include").mkdir(parents=True)
    (site / "explosive_headers" / "__init__.py").write_text("raise SystemExit('imported')")
    (site / "single_module.py").write_text("")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.syspath_prepend(str(other))
        monkeypatch.syspath_prepend(str(site))
        yield site


@pytest.mark.parametrize(
    ("reference", "folders"),
    [
        ("packed_headers.paths:get_include", ["packed_headers/include"]),
        ("packed_headers.paths:HERE", ["packed_headers/include"]),
        (
            "packed_headers.paths:get_includes",
            ["packed_headers/include/deep", "packed_headers/include"],
        ),
        (
            "packed_headers.paths:Paths.folders",
            ["packed_headers/include", "packed_headers/include/deep"],
        ),
    ],
)
def test_an_object_names_its_folders(site: Path, reference: str, folders: list[str]) -> None:
    file = str(site / "packed_headers" / "paths.py")
    paths = [str(site / folder) for folder in folders]
    assert answer(reference) == {"folders": paths, "file": file}


@pytest.mark.parametrize(
    ("reference", "folder"),
    [
        ("packed_headers/include", "site/packed_headers/include"),
        ("packed_headers/include/deep/", "site/packed_headers/include/deep"),
        ("explosive_headers/include", "site/explosive_headers/include"),
        ("spread_headers/one/include", "site/spread_headers/one/include"),
        ("spread_headers/two/include", "other/spread_headers/two/include"),
    ],
)
def test_a_folder_is_found_without_an_import(site: Path, reference: str, folder: str) -> None:
    assert answer(reference) == {"folders": [str(site.parent / folder)], "file": None}


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("packed_headers.paths:get_inclde", ["'get_inclde'", "did you mean 'get_include'?"]),
        ("packed_headers.paths:Paths.nothing_like_it", ["'nothing_like_it'"]),
        ("packed_headers.nowhere:get_include", ["packed_headers.nowhere"]),
        ("packed_headers.broken:get_include", ["packed_headers.broken", "no driver"]),
        ("packed_headers.paths:needs_argument", ["TypeError"]),
        ("packed_headers.paths:get_none", ["None", "folder"]),
        ("packed_headers.paths:get_nothing", ["names no folders"]),
        ("packed_headers.paths:get_missing", ["missing' is not a folder"]),
        ("packed_headers.paths:get_file", ["paths.py' is not a folder"]),
        ("packed_headers/headers", ["'packed_headers'", "'headers'", "site/packed_headers"]),
        ("spread_headers/three", ["'three'", "site/spread_headers", "other/spread_headers"]),
        ("single_module/include", ["'single_module' is a module"]),
    ],
)
def test_an_unusable_reference_is_explained(site: Path, reference: str, words: list[str]) -> None:
    del site
    found: dict[str, Any] = answer(reference)
    assert list(found) == ["problem"]
    assert all(word in found["problem"] for word in words), found


@pytest.mark.parametrize(
    ("reference", "package"),
    [
        ("not_installed_at_all:get_include", "not_installed_at_all"),
        ("not_installed_at_all.deep:get_include", "not_installed_at_all"),
        ("not_installed_at_all/include", "not_installed_at_all"),
        ("packed_headers.needy:get_include", "not_installed_at_all"),
    ],
)
def test_a_missing_package_is_named(site: Path, reference: str, package: str) -> None:
    del site
    assert answer(reference) == {"missing": package}
