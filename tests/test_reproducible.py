# SPDX-License-Identifier: Apache-2.0
"""The same sources give the same wheel."""

from __future__ import annotations

from pathlib import Path

from compiler_cache import COMPILE_ANEW
from environments import Environment, copy_repository


def test_two_folders_give_the_same_bytes(builder: Environment, tmp_path: Path) -> None:
    wheels = []
    for folder in ("first", "second folder with another name"):
        source = copy_repository(tmp_path / folder / "my-ffi-extension")
        builder.pip(
            *("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path / folder, "."),
            cwd=source,
            # With debug information, which names folders if it is let.
            variables={
                **COMPILE_ANEW,
                "SOURCE_DATE_EPOCH": "1700000000",
                "CXXFLAGS": "-O0 -g",
                "CFLAGS": "-O0 -g",
            },
        )
        (wheel,) = (tmp_path / folder).glob("*.whl")
        wheels.append(wheel.read_bytes())
    assert wheels[0] == wheels[1]
