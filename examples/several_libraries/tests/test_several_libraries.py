# SPDX-License-Identifier: Apache-2.0
"""Objects and errors that pass from one library to another, and how the libraries are linked."""

from __future__ import annotations

import importlib.metadata
import math
import re
import shutil
import subprocess
import sys

import pytest

from several_libraries import core, ops, svg

SQUARE = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]
ARROW = [(0.0, 0.0), (4.0, 2.0), (0.0, 4.0), (1.0, 2.0)]


def test_a_class_of_core_has_its_field() -> None:
    assert [tuple(corner) for corner in core.Polygon(SQUARE).corners] == SQUARE


@pytest.mark.parametrize("corners", [SQUARE, SQUARE[::-1]])
def test_ops_calls_a_function_of_core(corners: list[tuple[float, float]]) -> None:
    assert ops.area(core.Polygon(corners)) == 4.0


def test_ops_returns_objects_of_the_class_from_core() -> None:
    hull = ops.convex_hull(core.Polygon(ARROW))
    assert type(hull) is core.Polygon
    assert [tuple(corner) for corner in hull.corners] == [(0.0, 0.0), (4.0, 2.0), (0.0, 4.0)]
    assert math.isclose(ops.area(ops.regular_polygon(6, 1.0)), 1.5 * math.sqrt(3.0))


def test_an_error_of_core_passes_through_ops() -> None:
    message = "Polygon: argument 'corners': expected 3 or more, got 2"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        core.Polygon(SQUARE[:2])
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ops.regular_polygon(2, 1.0)
    with pytest.raises(ValueError, match=r"^Polygon: argument 'corners': expected finite numbers"):
        ops.regular_polygon(3, math.inf)


def test_svg_calls_both_others() -> None:
    drawing = svg.draw(core.Polygon(ARROW))
    assert 'viewBox="0 0 4 4"><title>area 6</title>' in drawing
    assert drawing.count("<polygon") == 2
    with pytest.raises(ValueError, match=r"^convex_hull: expected corners that do not all lie on"):
        svg.draw(core.Polygon([(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]))


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("readelf") is None, reason="readelf reads ELF"
)
@pytest.mark.parametrize(
    ("name", "siblings"),
    [
        ("core", set()),
        ("ops", {"libseveral_core.so"}),
        ("svg", {"libseveral_core.so", "libseveral_ops.so"}),
    ],
)
def test_a_library_finds_its_siblings_relative_to_its_own_folder(
    name: str, siblings: set[str]
) -> None:
    files = importlib.metadata.files("several-libraries") or []
    (library,) = (file.locate() for file in files if file.name == f"libseveral_{name}.so")
    printed = subprocess.run(
        ["readelf", "--wide", "--dynamic", str(library)], check=True, capture_output=True, text=True
    ).stdout
    needed = set(re.findall(r"\(NEEDED\)\s+Shared library: \[(libseveral.+)\]", printed))
    assert needed == siblings
    run_paths = re.findall(r"\((?:RUNPATH|RPATH)\)\s+Library \w+: \[(.+)\]", printed)
    folders = {folder for path in run_paths for folder in path.split(":")}
    assert all(folder.startswith("$ORIGIN") for folder in folders)
    assert bool(folders) == bool(siblings)
