# SPDX-License-Identifier: Apache-2.0
"""The GitHub workflow that builds, tests and publishes the wheels of a project."""

from __future__ import annotations

import difflib
import hashlib
import sys
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..base.errors import PREFIX, BuildError
from ..base.file_replacement import replace_file
from ..settings import read_project

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEMPLATES = Path(__file__).parent / "templates"

#: The path of the workflow in a project.
WORKFLOW = ".github/workflows/wheels.yml"

# Each system for which apache-tvm-ffi has wheels has a runner here. A CUDA project uses only the
# Linux runners, because `templates/pyproject/cuda.toml` installs the CUDA toolkit only in the
# containers in which cibuildwheel builds on Linux.
_RUNNERS = "[ubuntu-latest, ubuntu-24.04-arm, macos-latest, windows-latest, windows-11-arm]"
_CUDA_RUNNERS = "[ubuntu-latest, ubuntu-24.04-arm]"

_HEADER = "# Written by `setuptools-tvm-ffi ci`, which keeps your edits. Digest: "


def workflow_text(*, cuda: bool) -> str:
    """Return the text of the workflow. The first line contains a digest of the other lines."""
    text = (TEMPLATES / "common" / WORKFLOW).read_text("utf-8")
    return _signed(text.replace(_RUNNERS, _CUDA_RUNNERS) if cuda else text)


def cibuildwheel_table(*, cuda: bool) -> str:
    """Return the tables of `pyproject.toml` that the workflow needs."""
    names = ("cibuildwheel.toml", "cuda.toml" if cuda else "macos.toml")
    return "\n".join((TEMPLATES / "pyproject" / name).read_text("utf-8") for name in names)


def update_workflow(root: Path, *, force: bool) -> str | None:
    """Write the workflow of an existing project, or replace an older version of the workflow.

    :param force: whether to replace a file that this function did not write, or that was edited.
    :returns: the changes to the file as a unified diff, or None if the file did not change.
    :raises BuildError: the project does not use the plugin, or the file must not be replaced
        without `force`.
    """
    _require_plugin(root)
    path = root / WORKFLOW
    try:
        old = path.read_text("utf-8")
    except FileNotFoundError:
        old = ""
    new = workflow_text(cuda=_uses_cuda(root))
    if old == new:
        return None
    if old and not force and old != _signed(old.partition("\n")[2]):
        raise BuildError(
            f"{WORKFLOW} was edited, or another tool wrote it",
            hint=f"keep the file, or replace it with '{PREFIX} ci --force'",
        )
    replace_file(path, new.encode())
    before, after = (text.splitlines(keepends=True) for text in (old, new))
    return "".join(difflib.unified_diff(before, after, WORKFLOW, WORKFLOW))


def missing_tables(root: Path) -> str | None:
    """Return the tables to add to `pyproject.toml`, or None if the file configures cibuildwheel."""
    pyproject = _pyproject(root)
    if "cibuildwheel" in pyproject.get("tool", {}):
        return None
    lines = cibuildwheel_table(cuda=_uses_cuda(root)).splitlines(keepends=True)
    if not (root / "tests").is_dir():
        lines = [line for line in lines if not line.startswith("test-")]
    if "dev" not in pyproject.get("dependency-groups", {}):
        replaced = {'test-groups = ["dev"]\n': 'test-requires = ["pytest"]\n'}
        lines = [replaced.get(line, line) for line in lines]
    return "".join(lines)


def _signed(text: str) -> str:
    return f"{_HEADER}{hashlib.sha256(text.encode()).hexdigest()[:16]}\n{text}"


def _pyproject(root: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as problem:
        raise BuildError(f"{root / 'pyproject.toml'}: {problem}") from None


def _require_plugin(root: Path) -> None:
    for text in _pyproject(root).get("build-system", {}).get("requires", []):
        try:
            name = Requirement(text).name
        except InvalidRequirement:
            continue
        if canonicalize_name(name) == PREFIX:
            return
    raise BuildError(
        f"pyproject.toml: build-system.requires does not contain {PREFIX!r}",
        hint=f"run this command in the folder of a project that uses {PREFIX}; "
        f"'{PREFIX} new NAME' creates one",
    )


def _uses_cuda(root: Path) -> bool:
    """Whether the project declares CUDA sources, in `pyproject.toml` or in `setup.py`."""
    extensions = read_project(root).settings.ext_modules
    if any(source.endswith(".cu") for each in extensions for source in each.sources):
        return True
    setup = root / "setup.py"
    return setup.is_file() and '.cu"' in setup.read_text("utf-8").replace("'", '"')
