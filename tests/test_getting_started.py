# SPDX-License-Identifier: Apache-2.0
"""The way into the project: the READMEs and the tutorial."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from environments import LEFT_OUT, REPOSITORY

#: Makes the plugin of a checkout available to pip and uv.
CHECKOUT = re.compile(r"^pip wheel .*setuptools-tvm-ffi && export .*$", re.MULTILINE)
TUTORIAL = "docs/getting-started.md"


@pytest.mark.parametrize("readme", ["README.md", "setuptools-tvm-ffi/README.md"])
def test_the_first_screen_of_a_readme_leads_to_the_tutorial(readme: str) -> None:
    lines = (REPOSITORY / readme).read_text(encoding="utf-8").splitlines()
    assert any(TUTORIAL in line for line in lines[:25])


def test_the_line_for_a_checkout_builds_what_its_variables_name(
    bare_variables: dict[str, str], downloads: Path, tmp_path: Path
) -> None:
    pages = ("README.md", "setuptools-tvm-ffi/README.md", TUTORIAL)
    found = {
        line for page in pages for line in CHECKOUT.findall((REPOSITORY / page).read_text("utf-8"))
    }
    (line,) = found
    shutil.copytree(
        REPOSITORY / "setuptools-tvm-ffi", tmp_path / "setuptools-tvm-ffi", ignore=LEFT_OUT
    )
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": downloads.as_uri()}
    # The reader has activated an environment, so that `pip` is on PATH.
    offline["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), bare_variables["PATH"]])
    printed = subprocess.run(
        ["bash", "-ec", f'{line} && echo "$PIP_FIND_LINKS" && echo "$UV_FIND_LINKS"'],
        cwd=tmp_path,
        env={**bare_variables, **offline},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    for folder in printed.splitlines()[-2:]:
        assert [wheel.name.partition("-")[0] for wheel in Path(folder).iterdir()] == [
            "setuptools_tvm_ffi"
        ]
