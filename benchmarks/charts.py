# SPDX-License-Identifier: Apache-2.0
"""Draws the figures of build_time.py as SVG, and writes them with the tables into a README."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"

#: The lower quartile, the median and the upper quartile, in seconds.
Quartiles = tuple[float, float, float]

_WIDTH, _LABEL, _BAR, _GAP, _HEAD = 760, 260, 18, 6, 30
_ROOM_FOR_TEXT = 70
# Blue for the plugin, orange for scikit-build-core. Both can be told apart without colour vision.
_COLOURS = ("#1f6feb", "#e8912d")


def draw(title: str, cases: Mapping[str, Quartiles]) -> str:
    """Return a bar chart as SVG. Each scenario has a scale of its own.

    :param cases: the figures of each case. The name of a case is its scenario, its tool and, if the
        tool does not build plainly, its mode, separated by commas.
    """
    scenarios: dict[str, list[tuple[str, Quartiles]]] = {}
    for name, figures in cases.items():
        scenario, _, rest = name.partition(", ")
        scenarios.setdefault(scenario, []).append((rest, figures))
    tools = list(dict.fromkeys(name.split(", ")[1] for name in cases))
    parts: list[str] = []
    y = 44
    for scenario, bars in scenarios.items():
        parts.append(_text(16, y + 14, f"{scenario}, seconds", weight="bold"))
        y += _HEAD
        longest = max(high for _, (_, _, high) in bars)
        scale = (_WIDTH - _LABEL - _ROOM_FOR_TEXT) / longest
        for label, figures in sorted(bars, key=lambda bar: _rank(bar[0], tools)):
            parts.append(
                _bar(y, label, figures, scale, _COLOURS[tools.index(label.split(", ")[0])])
            )
            y += _BAR + _GAP
        y += _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y + 4}" '
        f'viewBox="0 0 {_WIDTH} {y + 4}" font-family="sans-serif" font-size="13" fill="#1f2328">\n'
        f'<rect width="{_WIDTH}" height="{y + 4}" fill="#ffffff"/>\n'
        f"{_text(16, 26, title, weight='bold', size=16)}\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _rank(label: str, tools: Sequence[str]) -> tuple[str, int]:
    """Sort bars by mode, then by tool, so that the bars to compare are next to each other."""
    tool, _, mode = label.partition(", ")
    order = {"": "0", "unity": "1", "precompiled": "2"}
    return order.get(mode, f"3{mode}"), tools.index(tool)


def _bar(y: int, label: str, figures: Quartiles, scale: float, colour: str) -> str:
    low, median, high = (_LABEL + value * scale for value in figures)
    middle = y + _BAR / 2
    return "\n".join(
        (
            _text(_LABEL - 8, y + 14, label, anchor="end"),
            f'<rect x="{_LABEL}" y="{y}" width="{median - _LABEL:.1f}" height="{_BAR}" '
            f'fill="{colour}"/>',
            f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {y + 5}v{_BAR - 10}'
            f'M{high:.1f} {y + 5}v{_BAR - 10}" stroke="#1f2328" fill="none"/>',
            _text(max(high, median) + 6, y + 14, f"{figures[1]:.2f}"),
        )
    )


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal", size: int = 13
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'font-size="{size}">{html.escape(text)}</text>'
    )


def publish(folder: Path, charts: Mapping[str, Mapping[str, Quartiles]], tables: str) -> None:
    """Write a chart of each workload into a folder, and the results into its `README.md`."""
    images = []
    for workload, cases in charts.items():
        name = f"build-time-{re.sub(r'[^a-z0-9]+', '-', workload.lower())}.svg"
        title = f"Wheel of {workload}: median and quartiles"
        (folder / name).write_text(draw(title, cases), encoding="utf-8")
        images.append(f"![{title}]({name})")
    block = "\n".join(f"    {line}".rstrip() for line in tables.splitlines())
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{readme} has no lines {BEGIN} and {END}")
    results = "\n\n".join((begin, *images, block, end))
    readme.write_text(before + results + after, encoding="utf-8")
