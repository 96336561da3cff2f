# SPDX-License-Identifier: Apache-2.0
"""Calls the hook ``build_wheel`` for each project in a folder, in one process.

Each project has two declarations: `was.toml` is only parsed, and `pyproject.toml` is built. The
script prints the results as JSON, by folder name.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.build_meta import build_wheel
from setuptools_tvm_ffi.settings.declaration import key_of
from setuptools_tvm_ffi.settings.model import ExtensionSettings, ProjectSettings, settings_of
from setuptools_tvm_ffi.settings.parser import parse_project

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def accepts(text: str) -> str:
    """Return the error for a declaration, or nothing if the declaration is valid."""
    try:
        parse_project(tomllib.loads(text)["tool"].get("setuptools-tvm-ffi", {}))
    except BuildError as error:
        return error.message
    return ""


def tree(folder: Path) -> set[Path]:
    """Return the files of a project, except for the build folder."""
    return {path for path in folder.rglob("*") if path.relative_to(folder).parts[0] != "build"}


def build(folder: Path) -> dict[str, Any]:
    os.chdir(folder)
    said = accepts(Path("was.toml").read_text(encoding="utf-8"))
    before = tree(folder)
    wheels = folder.parent / f"{folder.name}-wheels"
    printed = io.StringIO()
    status: object = 0
    problem = None
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            build_wheel(str(wheels))
        except SystemExit as end:
            status = end.code
        except BaseException:  # noqa: BLE001 - whatever it is, it is what a user would see
            problem = traceback.format_exc()
    return {
        "before": said,
        "status": status,
        "printed": printed.getvalue(),
        "problem": problem,
        "made": sorted(map(str, {*tree(folder), *wheels.glob("*")} - before)),
    }


if __name__ == "__main__":
    outcomes: dict[str, Any] = {
        folder.name: build(folder) for folder in sorted(Path(sys.argv[1]).iterdir())
    }
    keys = {
        table.__name__: [key_of(setting.field) for setting in settings_of(table)]
        for table in (ProjectSettings, ExtensionSettings)
    }
    json.dump({"keys": keys, "outcomes": outcomes}, sys.stdout)
